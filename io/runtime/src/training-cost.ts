import type { Dataset } from "@selvedge/datasets";
import type { BatchGraph, TrainingGraph } from "@selvedge/onnx";
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

/** A graph that measures, or one that trains with an optimizer's state and perhaps with corrections. */
type CostedGraph = BatchGraph & Partial<Pick<TrainingGraph, "state" | "corrections">>;

export function trainingCost(graph: CostedGraph, batchSize: number): TrainingCost {
  const { memoryBytes, multiplyAdds } = graph.cost(batchSize);
  const parameters = graph.layout.length;
  const state = graph.state?.layout.length ?? 0;
  const isCorrected = graph.corrections?.some((input) => input !== undefined) ?? false;
  const copies = parameterCopies + (isCorrected ? correctionCopies : 0);
  return {
    parameters,
    memoryBytes: processBytes + 4 * (copies * parameters + stateCopies * state) + arenaGrowth * memoryBytes,
    multiplyAdds,
  };
}

/** @throws SelvedgeError `too_large` (SPEC RE8), with figure and limit, when it takes more than `bytesMax` */
export function checkMemory(
  what: "training" | "evaluating",
  graph: CostedGraph,
  batchSize: number,
  dataset: Pick<Dataset, "inputs" | "targets">,
  bytesMax: number | undefined,
): void {
  const { inputs, targets } = dataset;
  const data = inputs.byteLength + (targets.kind === "input" ? 0 : targets.values.byteLength);
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
/** What is kept and its file, the server's vector and its file, the correction, the change, and what is sent and its file. */
const correctionCopies = 12;
/** An optimizer's state as fed and as given. */
const stateCopies = 3;
/** The runtime's arena takes memory in growing pieces, and does not fill them. */
const arenaGrowth = 1.25;
