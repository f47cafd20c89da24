import { type Dataset, openDataset } from "@selvedge/datasets";
import {
  type BatchGraph,
  decodeSafetensors,
  type EvaluationOptions,
  evaluationGraph,
  type OnnxModel,
  type ParameterLayout,
  parameterLayout,
  parseModel,
  type TrainingGraph,
  type TrainingOptions,
  trainingGraph,
} from "@selvedge/onnx";
import { NativeSession } from "./native-session.ts";
import { readBytes } from "./read-bytes.ts";
import { type DataRequest, openTrainingData, type TrainingData } from "./training-data.ts";
import type { SummaryRequest } from "./training-methods.ts";

export interface LoadedModel {
  readonly path: string;
  readonly model: OnnxModel;
  readonly layout: ParameterLayout;
}

/** Where a training takes what it works with from: made anew for each, or kept for the next. */
export interface TrainingParts {
  /** @throws SelvedgeError as `parseModel` */
  model(path: string): Promise<LoadedModel>;
  /** Not to be changed. @throws SelvedgeError as `decodeSafetensors` */
  weights(path: string, layout: ParameterLayout): Promise<Float32Array>;
  /** Of the whole dataset, whatever rows are meant. @throws SelvedgeError as `openTrainingData` */
  data(request: DataRequest): Promise<TrainingData>;
  /** With what is missing in it. @throws SelvedgeError as `openDataset` */
  columns(request: SummaryRequest): Promise<Dataset>;
  /** @throws SelvedgeError as `trainingGraph` */
  trainingGraph(loaded: LoadedModel, options: TrainingOptions): TrainingGraph;
  /** @throws SelvedgeError as `evaluationGraph` */
  evaluationGraph(loaded: LoadedModel, options: EvaluationOptions): BatchGraph;
  /** Runs `work` with a graph of this instance loaded. @throws SelvedgeError as `NativeSession.load` */
  withSession<T>(graph: BatchGraph, work: (session: NativeSession) => Promise<T>): Promise<T>;
}

/** Keeps nothing: what a training had is free once it is over. */
export const freshParts: TrainingParts = {
  async model(path) {
    const model = parseModel(await readBytes(path));
    return { path, model, layout: parameterLayout(model) };
  },

  async weights(path, layout) {
    return decodeSafetensors(await readBytes(path), layout);
  },

  data: openTrainingData,

  columns({ dataset, reading }) {
    return openDataset(dataset, reading);
  },

  trainingGraph({ model }, options) {
    return trainingGraph(model, options);
  },

  evaluationGraph({ model }, options) {
    return evaluationGraph(model, options);
  },

  async withSession(graph, work) {
    const session = await NativeSession.load(graph.bytes);
    return await work(session).finally(() => session.release());
  },
};
