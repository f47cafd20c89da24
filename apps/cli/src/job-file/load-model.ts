import { readFile } from "node:fs/promises";
import { isSameLayout } from "@selvedge/datasets";
import { buildCnn, buildMlp, parseModel, serializeModel, trainingGraph } from "@selvedge/onnx";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import type { JobFile, JobModel, ModelSource } from "./job-file.ts";

/**
 * Reads or builds a job's model, and checks here what would fail on every
 * device: that it can be trained, and fits the dataset.
 *
 * @throws SelvedgeError as `parseModel` and `trainingGraph`, naming the file,
 *   `invalid_argument` when model and dataset disagree.
 */
export async function loadModel({ model, dataset }: JobFile): Promise<JobModel> {
  const at = model.kind === "file" ? model.path : "model";
  const bytes = await modelBytes(model);
  const { inputShape, classes } = located(at, () =>
    trainingGraph(parseModel(bytes), {
      inputType: "float32",
      scale: 1,
      loss: "softmax-cross-entropy",
      optimizer: "sgd",
    }),
  );
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
  return readFile(model.path).catch((thrown: unknown) => {
    throw fileError(thrown, model.path);
  });
}

/** The same error, with the file before the node or tensor it names. */
function located<Result>(at: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    const error = SelvedgeError.from(thrown);
    throw new SelvedgeError(error.code, error.message, {
      at: error.at === undefined ? at : `${at}: ${error.at}`,
      ...(error.fix !== undefined && { fix: error.fix }),
      cause: error,
    });
  }
}
