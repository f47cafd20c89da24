import { isSameLayout } from "@selvedge/datasets";
import {
  buildCnn,
  buildMlp,
  plannedTraining,
  serializeModel,
  shareParameters,
  type TrainingGraph,
} from "@selvedge/onnx";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { trainTask } from "./build-plan.ts";
import { compileModel, readModelFile } from "./compile-model.ts";
import type { JobFile, JobModel, ModelSource } from "./job-file.ts";

/**
 * Reads or builds a job's model, and checks here what would fail on every
 * device: that it can be trained, and fits the dataset.
 *
 * @throws SelvedgeError as `parseModel` and `trainingGraph`, naming the file,
 *   `invalid_argument` when model and dataset disagree.
 */
export async function loadModel(job: JobFile): Promise<JobModel> {
  const { model, dataset } = job;
  const at = model.kind === "file" ? model.path : "model";
  const bytes = await modelBytes(model);
  const { graph, model: parsed } = compileModel(bytes, at, plannedTraining(trainTask(job)));
  shareParameters(parsed, job.personal);
  requireOneLabel(graph, job.loss.name, at);
  const { inputShape, classes } = graph;
  if (classes === 1) {
    throw new SelvedgeError(
      "invalid_argument",
      "the model gives one score, which cannot tell classes apart by softmax",
      {
        at,
        fix: "of two classes say loss: { name: binary-cross-entropy }; of numbers a job does not learn",
      },
    );
  }
  if (!isSameLayout(inputShape, dataset.inputShape) || classes !== dataset.classes) {
    throw new SelvedgeError(
      "invalid_argument",
      `the model takes [${inputShape.join(", ")}] and knows ${classes} classes; ` +
        `the dataset has [${dataset.inputShape.join(", ")}] and ${dataset.classes}`,
      { at, fix: "make inputShape and classes of the dataset those of the model" },
    );
  }
  return { bytes, reference: { digest: digestOf(bytes), length: bytes.length } };
}

/** Datasets have one label for each example; a loss may want one for each score or place of the output. */
function requireOneLabel({ outputShape, target }: TrainingGraph, loss: string, at: string): void {
  if (target.shape.length === 0) return;
  const [output, labels] = [outputShape, target.shape].map((shape) => ["batch", ...shape].join(", "));
  throw new SelvedgeError(
    "invalid_argument",
    `the model gives [${output}], of which ${loss} wants labels [${labels}]; a job's data has one for each example`,
    {
      at,
      fix: `export a model that gives [batch, ${loss === "binary-cross-entropy" ? 1 : "classes"}], or choose another loss`,
    },
  );
}

async function modelBytes(model: ModelSource): Promise<Uint8Array> {
  if (model.kind === "mlp") return serializeModel(buildMlp(model));
  if (model.kind === "cnn") return serializeModel(buildCnn(model));
  return readModelFile(model.path);
}
