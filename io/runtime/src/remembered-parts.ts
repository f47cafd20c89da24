import type { Dataset } from "@selvedge/datasets";
import type {
  BatchGraph,
  EvaluationOptions,
  ParameterLayout,
  TrainingGraph,
  TrainingOptions,
} from "@selvedge/onnx";
import { NativeSession } from "./native-session.ts";
import type { DataRequest, TrainingData } from "./training-data.ts";
import type { SummaryRequest } from "./training-methods.ts";
import { freshParts, type LoadedModel, type TrainingParts } from "./training-parts.ts";

/**
 * Keeps what trainings of one job have in common, so that many small ones follow each other without
 * loading anything anew. Files must not change under their paths. Calls take turns.
 */
export class RememberedParts implements TrainingParts {
  readonly #models = new Recent<LoadedModel>(modelsMax);
  readonly #weights = new Recent<Float32Array>(weightsMax);
  readonly #data = new Recent<TrainingData>(dataBytesMax, ({ dataset }) => dataset.inputs.byteLength);
  readonly #columns = new Recent<Dataset>(dataBytesMax, ({ inputs }) => inputs.byteLength);
  readonly #trainings = new Recent<TrainingGraph>(graphsMax);
  readonly #evaluations = new Recent<BatchGraph>(graphsMax);
  readonly #sessions = new Map<BatchGraph, NativeSession>();

  async model(path: string): Promise<LoadedModel> {
    return this.#models.get(path) ?? this.#models.set(path, await freshParts.model(path));
  }

  async weights(path: string, layout: ParameterLayout): Promise<Float32Array> {
    return this.#weights.get(path) ?? this.#weights.set(path, await freshParts.weights(path, layout));
  }

  async data({ rows: _, dataset, reading, scaling }: DataRequest): Promise<TrainingData> {
    const whole = { dataset, reading, ...(scaling && { scaling }) };
    const key = JSON.stringify(whole);
    // Statistics come before all training, and once.
    this.#columns.clear();
    return this.#data.get(key) ?? this.#data.set(key, await freshParts.data(whole));
  }

  async columns({ rows: _, ...request }: SummaryRequest): Promise<Dataset> {
    const key = JSON.stringify([request.dataset, request.reading]);
    return this.#columns.get(key) ?? this.#columns.set(key, await freshParts.columns(request));
  }

  trainingGraph(loaded: LoadedModel, options: TrainingOptions): TrainingGraph {
    const key = keyOf(loaded, options);
    return this.#trainings.get(key) ?? this.#trainings.set(key, freshParts.trainingGraph(loaded, options));
  }

  evaluationGraph(loaded: LoadedModel, options: EvaluationOptions): BatchGraph {
    const key = keyOf(loaded, options);
    return (
      this.#evaluations.get(key) ?? this.#evaluations.set(key, freshParts.evaluationGraph(loaded, options))
    );
  }

  async withSession<T>(graph: BatchGraph, work: (session: NativeSession) => Promise<T>): Promise<T> {
    const session = this.#sessions.get(graph) ?? (await NativeSession.load(graph.bytes));
    this.#sessions.delete(graph);
    this.#sessions.set(graph, session);
    for (const [oldest, spent] of this.#sessions) {
      if (this.#sessions.size <= graphsMax) break;
      this.#sessions.delete(oldest);
      await spent.release();
    }
    return work(session);
  }
}

/** What was asked for last, up to so much of it; always the last one. */
class Recent<T> {
  readonly #max: number;
  readonly #sizeOf: (value: T) => number;
  readonly #values = new Map<string, T>();
  #size = 0;

  constructor(max: number, sizeOf: (value: T) => number = () => 1) {
    this.#max = max;
    this.#sizeOf = sizeOf;
  }

  get(key: string): T | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(key: string, value: T): T {
    this.#values.set(key, value);
    this.#size += this.#sizeOf(value);
    for (const [oldest, spent] of this.#values) {
      if (this.#size <= this.#max || oldest === key) break;
      this.#values.delete(oldest);
      this.#size -= this.#sizeOf(spent);
    }
    return value;
  }

  clear(): void {
    this.#values.clear();
    this.#size = 0;
  }
}

function keyOf({ path }: LoadedModel, options: object): string {
  return JSON.stringify([path, options]);
}

const modelsMax = 4;
const weightsMax = 4;
const graphsMax = 8;
const dataBytesMax = 2 ** 30;
