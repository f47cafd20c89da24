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

async function modelBytes(model: ModelSource): Promise<Uint8Array> {
  if (model.kind === "mlp") return serializeModel(buildMlp(model));
  if (model.kind === "cnn") return serializeModel(buildCnn(model));
  return readModelFile(model.path);
}
