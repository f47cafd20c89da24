import {
  type BlobPaths,
  type DataSummary,
  layoutOfUpdate,
  type MeasuredModel,
  type MeasuringTask,
  measuringRequest,
  type SummaryTask,
  summaryRequest,
  type TrainedUpdate,
  type Trainer,
  type TrainingTask,
  trainingRequest,
} from "@selvedge/agent";
import type { OnnxModel, ParameterLayout } from "@selvedge/onnx";
import type { ClientProcess } from "@selvedge/runtime";
import type { ClientData } from "./client-data.ts";

export interface VirtualTrainerOptions {
  readonly process: ClientProcess;
  readonly data: ClientData;
  readonly blobs: BlobPaths;
  readonly model: OnnxModel;
  /** Of local training; the plan's when absent. */
  readonly epochs: number | undefined;
  /** What the update is multiplied by before it is sent; 1 = as it is. */
  readonly factor: number;
}

/** A device's training in a process that many clients take turns in. */
export class VirtualTrainer implements Trainer {
  readonly #options: VirtualTrainerOptions;

  constructor(options: VirtualTrainerOptions) {
    this.#options = options;
  }

  async train(task: TrainingTask, signal: AbortSignal): Promise<TrainedUpdate> {
    const { blobs, data, epochs, factor, model, process } = this.#options;
    const request = { ...trainingRequest(task, data.source, blobs), ...rowsOf(data) };
    const { sent, examples, metrics, kept } = await process.train(
      epochs === undefined ? request : { ...request, localEpochs: epochs },
      signal,
    );
    const layout: ParameterLayout = layoutOfUpdate(model, task.plan.train);
    const update = factor === 1 ? sent : sent.map((value) => value * factor);
    return { layout, update, examples, metrics: { ...untimed(metrics), examples }, kept };
  }

  async measure(task: MeasuringTask, signal: AbortSignal): Promise<MeasuredModel> {
    const { blobs, data, process } = this.#options;
    const request = { ...measuringRequest(task, data.source, blobs), ...rowsOf(data) };
    const { examples, metrics } = await process.measure(request, signal);
    return { examples, metrics: { ...untimed(metrics), examples } };
  }

  summarise(task: SummaryTask, signal: AbortSignal): Promise<DataSummary> {
    const { data, process } = this.#options;
    return process.summarise({ ...summaryRequest(task, data.source), ...rowsOf(data) }, signal);
  }
}

function rowsOf({ rows }: ClientData): { readonly rows?: Int32Array } {
  return rows === undefined ? {} : { rows };
}

/** How long it took says something of this machine, and differs from run to run. */
function untimed({
  seconds: _,
  ...metrics
}: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return metrics;
}
