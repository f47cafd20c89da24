import { readFile } from "node:fs/promises";
import {
  type BatchGraph,
  evaluationGraph,
  type OnnxModel,
  parseModel,
  type TrainingGraph,
  type TrainingSettings,
  trainingGraph,
} from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";

export interface CompiledModel {
  readonly model: OnnxModel;
  readonly graph: TrainingGraph;
}

/** How it is trained. */
export interface ModelTraining extends TrainingSettings {
  /** Whether the input is what is learned. */
  readonly learnsInput: boolean;
}

/**
 * What devices will make of a model: checks all that can be said without its data.
 *
 * @param at what errors name it: its file
 * @param settings how it is trained
 * @throws SelvedgeError as `parseModel` and `trainingGraph`
 */
export function compileModel(
  bytes: Uint8Array,
  at: string,
  { terms, ...settings }: ModelTraining,
): CompiledModel {
  return namingFile(at, () => {
    const model = parseModel(bytes);
    return { model, graph: trainingGraph(model, { ...plainInput, ...settings, ...terms }) };
  });
}

/**
 * As `compileModel`, for what is only measured: the model need not have gradients.
 *
 * @throws SelvedgeError as `parseModel` and `evaluationGraph`
 */
export function compileEvaluation(
  bytes: Uint8Array,
  at: string,
  { loss, learnsInput }: Pick<ModelTraining, "loss" | "learnsInput">,
): BatchGraph {
  return namingFile(at, () => evaluationGraph(parseModel(bytes), { ...plainInput, loss, learnsInput }));
}

function namingFile<Result>(at: string, compile: () => Result): Result {
  try {
    return compile();
  } catch (thrown) {
    const error = SelvedgeError.from(thrown);
    // The file before the node or tensor that it names.
    throw new SelvedgeError(error.code, error.message, {
      at: error.at === undefined ? at : `${at}: ${error.at}`,
      ...(error.fix !== undefined && { fix: error.fix }),
      cause: error,
    });
  }
}

const plainInput = { inputType: "float32", scale: 1 } as const;

/** As a job trains that says nothing of it. */
export const plainTraining: ModelTraining = {
  loss: { name: "softmax-cross-entropy" },
  optimizer: { name: "sgd" },
  terms: {},
  frozen: [],
  learnsInput: false,
};

/** @throws SelvedgeError `not_found`, `permission_denied` with the path */
export async function readModelFile(path: string): Promise<Uint8Array> {
  return await readFile(path).catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
}
