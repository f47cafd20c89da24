import { isSameLayout } from "@selvedge/datasets";
import { buildCnn, buildMlp, plannedTraining, serializeModel } from "@selvedge/onnx";
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
  const { inputShape, classes } = compileModel(bytes, at, plannedTraining(trainTask(job))).graph;
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

async function modelBytes(model: ModelSource): Promise<Uint8Array> {
  if (model.kind === "mlp") return serializeModel(buildMlp(model));
  if (model.kind === "cnn") return serializeModel(buildCnn(model));
  return readModelFile(model.path);
}
