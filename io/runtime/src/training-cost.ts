import type { Dataset } from "@selvedge/datasets";
import type { BatchGraph } from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";
import { megabytes } from "./memory-watch.ts";

/** What running a batch graph takes, inferred before the runtime loads anything. */
export interface TrainingCost {
  readonly parameters: number;
  /** Resident memory of the process at most, data left out, bytes; measured, within a quarter. */
  readonly memoryBytes: number;
  /** Of one step. */
  readonly multiplyAdds: number;
}

export function trainingCost(graph: BatchGraph, batchSize: number): TrainingCost {
  const { memoryBytes, multiplyAdds } = graph.cost(batchSize);
  const parameters = graph.layout.length;
  return {
    parameters,
    memoryBytes: processBytes + parameterCopies * 4 * parameters + arenaGrowth * memoryBytes,
    multiplyAdds,
  };
}

/** @throws SelvedgeError `too_large` (SPEC RE8), with figure and limit, when it takes more than `bytesMax` */
export function checkMemory(
  what: "training" | "evaluating",
  graph: BatchGraph,
  batchSize: number,
  dataset: Pick<Dataset, "inputs" | "labels">,
  bytesMax: number | undefined,
): void {
  const data = dataset.inputs.byteLength + dataset.labels.byteLength;
  const needed = trainingCost(graph, batchSize).memoryBytes + data;
  if (bytesMax === undefined || needed <= bytesMax) return;
  throw new SelvedgeError(
    "too_large",
    `${what} in batches of ${batchSize} takes about ${megabytes(needed)} of memory, ${megabytes(data)} of them for the data; ` +
      `at most ${megabytes(bytesMax)} are allowed`,
    { fix: "use a smaller model, batch or dataset, or allow more memory" },
  );
}

/** Node.js with ONNX Runtime loaded, and what a run leaves behind whatever its size. */
const processBytes = 180e6;
/** The model's file, the base, feeds and results of a run, the update and its file. */
const parameterCopies = 7;
/** The runtime's arena takes memory in growing pieces, and does not fill them. */
const arenaGrowth = 1.25;
