import {
  type BatchGraph,
  buildCnn,
  buildMlp,
  plannedTraining,
  serializeModel,
  shareParameters,
} from "@selvedge/onnx";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { modelMismatch } from "@selvedge/runtime";
import { trainTask } from "./build-plan.ts";
import { compileEvaluation, compileModel, readModelFile } from "./compile-model.ts";
import type { JobFile, JobModel, ModelSource } from "./job-file.ts";
import { type StartingPoint, withWeights } from "./starting-point.ts";

/**
 * Reads or builds a job's model, and checks here what would fail on every
 * device: that it can be trained, and fits the dataset.
 *
 * @param start whose weights it begins with; null where the job says nothing of it
 * @throws SelvedgeError as `withWeights`, `parseModel` and `trainingGraph`, naming the file,
 *   `invalid_argument` when model and dataset disagree.
 */
export async function loadModel(job: JobFile, start: StartingPoint | null = null): Promise<JobModel> {
  const { model, dataset } = job;
  const at = model.kind === "file" ? model.path : (start?.name ?? "model");
  if (job.from !== undefined && start === null) throw withoutCoordinator();
  const bytes = await modelBytes(model, start);
  const graph = compile(job, bytes, at);
  if (graph.classes === 1) {
    throw new SelvedgeError(
      "invalid_argument",
      "the model gives one score, which cannot tell classes apart by softmax",
      {
        at,
        fix: "of two classes say loss: { name: binary-cross-entropy }, of numbers loss: { name: mean-squared-error }",
      },
    );
  }
  const mismatch = modelMismatch(graph, dataset);
  if (mismatch !== null) {
    const fix = "make the dataset's inputShape, classes and target those of the model and the loss";
    throw new SelvedgeError("invalid_argument", mismatch, { at, fix });
  }
  return { bytes, reference: { digest: digestOf(bytes), length: bytes.length } };
}

function withoutCoordinator(): SelvedgeError {
  return new SelvedgeError(
    "unsupported",
    "a job that begins with weights of a fleet's needs its coordinator",
    {
      at: "from",
      fix: "start it with `selvedge job run`, or leave `from` out",
    },
  );
}

function compile(job: JobFile, bytes: Uint8Array, at: string): BatchGraph {
  const { target } = job.dataset;
  const training = {
    ...plannedTraining({ train: trainTask(job), target }),
    learnsInput: target.kind === "input",
  };
  if (job.task === "evaluate" && job.personalModel === undefined)
    return compileEvaluation(bytes, at, training);
  const { graph, model } = compileModel(bytes, at, training);
  shareParameters(model, job.personal);
  return graph;
}

/** The job's own model with the weights that it begins with, or the one that they come in. */
async function modelBytes(model: ModelSource, start: StartingPoint | null): Promise<Uint8Array> {
  if (model.kind === "origin") return start?.bytes ?? new Uint8Array();
  const own = await ownModel(model);
  return start === null ? own : withWeights(own, start);
}

async function ownModel(model: Exclude<ModelSource, { kind: "origin" }>): Promise<Uint8Array> {
  if (model.kind === "mlp") return serializeModel(buildMlp(model));
  if (model.kind === "cnn") return serializeModel(buildCnn(model));
  return readModelFile(model.path);
}
