import { dirname, resolve } from "node:path";
import { readYamlText, YamlFile } from "@selvedge/config";
import type { BlobReference, TaskKind } from "@selvedge/protocol";
import { graceOf, quorumOf } from "./check-together.ts";
import { type JobDataset, jobDataset } from "./dataset-schema.ts";
import type { EarlyStoppingFields, TargetFields } from "./goal-schema.ts";
import { builtJobSchema, fileJobSchema, type JobFields, type StartFields } from "./job-schema.ts";
import { planMetrics } from "./metrics-schema.ts";
import type { SelectionFields } from "./selection-schema.ts";
import type { ServerFields } from "./server-schema.ts";
import type { TrainingFields } from "./training-schema.ts";

/** A checked job file with its defaults filled in; docs/reference/job.md has every key. */
export interface JobFile extends TrainingFields, ServerFields {
  readonly name: string;
  readonly task: TaskKind;
  /** Of an evaluation: what is measured on. */
  readonly examples: "held-out" | "all";
  readonly model: ModelSource;
  /** Whose weights it begins with; absent: those of its model. */
  readonly from?: StartFields | undefined;
  /** After how many rounds each the weights are kept; absent: never. */
  readonly keepEvery?: number | undefined;
  /** What the file said, `--set` and all, as JSON: another job file can be made of it. */
  readonly source: string;
  readonly dataset: JobDataset;
  readonly localEpochs: number;
  readonly batchSize: number;
  /** 0 where nothing is trained. */
  readonly learningRate: number;
  readonly heldOutFraction: number;
  readonly maxExamplesPerDevice: number;
  readonly rounds: number;
  readonly cohort: number;
  /** Uniform when absent. */
  readonly selection?: SelectionFields | undefined;
  readonly overSelection?: number | undefined;
  readonly quorum: number;
  readonly deadlineMs: number;
  readonly graceMs: number;
  /** What ends the job early: an accuracy, or any metric's value. */
  readonly target?: TargetFields | undefined;
  readonly earlyStopping?: EarlyStoppingFields | undefined;
  /** A dataset of the coordinator; "" = none. */
  readonly evaluation: string;
  /** Of a training: after how many rounds devices measure what came of them. */
  readonly federatedEvaluation?: { readonly every: number } | undefined;
  readonly seed: number;
  /** As the plan names them. */
  readonly metrics: readonly string[];
}

export type ModelSource =
  | { readonly kind: "file" /** Absolute. */; readonly path: string }
  /** That of what the job begins with. */
  | { readonly kind: "origin" }
  | {
      readonly kind: "mlp";
      readonly inputShape: readonly number[];
      readonly hidden: readonly number[];
      readonly classes: number;
      readonly seed: number;
    }
  | {
      readonly kind: "cnn";
      readonly inputShape: readonly number[];
      readonly channels: readonly number[];
      readonly kernel: number;
      readonly hidden: readonly number[];
      readonly classes: number;
      readonly seed: number;
    };

/** A model's bytes under their own name. */
export interface JobModel {
  readonly reference: BlobReference;
  readonly bytes: Uint8Array;
}

/**
 * Reads and checks a job file.
 *
 * @param sets - "key.path=value" each, over what the file says
 * @throws SelvedgeError `not_found`, `permission_denied`, `too_large`, or
 *   `invalid_argument` with file, line and, for an unknown key, the one that was meant
 */
export async function readJobFile(path: string, sets: readonly string[] = []): Promise<JobFile> {
  const text = await readYamlText(path);
  return parseJobFile(text, path, sets);
}

/** As `readJobFile`, for a text; `path` says where it is from and what its paths are relative to. */
export function parseJobFile(text: string, path: string, sets: readonly string[] = []): JobFile {
  const file = YamlFile.parse(text, path, sets);
  const value = file.toValue();
  // Chosen by what is there, so that complaints are about the form that was meant.
  const isBuilt = isObject(value) && isObject(value.model);
  const fields = isBuilt ? file.check(builtJobSchema) : file.check(fileJobSchema);
  return { ...jobFile(fields, dirname(path)), source: JSON.stringify(value) };
}

function jobFile(fields: JobFields, folder: string): Omit<JobFile, "source"> {
  const {
    model,
    deadline,
    grace: _,
    evaluation,
    quorum,
    metrics,
    learningRate = 0,
    rounds = 1,
    ...rest
  } = fields;
  const isTraining = rest.task === "train";
  const { loss } = rest;
  const dataset = jobDataset(
    rest.dataset,
    typeof loss.ignoreIndex === "number" ? loss.ignoreIndex : undefined,
  );
  return {
    ...rest,
    dataset,
    learningRate,
    // An evaluation changes nothing that a second round could measure.
    rounds: isTraining ? rounds : 1,
    metrics: planMetrics(metrics, dataset.target, loss),
    model: modelSource(model, folder),
    quorum: quorumOf({ ...rest, quorum }),
    deadlineMs: deadline,
    graceMs: graceOf(fields),
    evaluation: isTraining ? (evaluation ?? "") : "",
  };
}

function modelSource(model: JobFields["model"], folder: string): ModelSource {
  if (model === undefined) return { kind: "origin" };
  if (typeof model === "string") return { kind: "file", path: resolve(folder, model) };
  if (model.builder === "mlp") {
    const { builder: kind, input: inputShape, ...sizes } = model;
    return { kind, inputShape, ...sizes };
  }
  const { builder: kind, input: inputShape, ...sizes } = model;
  return { kind, inputShape, ...sizes };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
