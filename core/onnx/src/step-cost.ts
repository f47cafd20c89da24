import { elementTypes } from "./element-type.ts";
import { liveNodes } from "./live-nodes.ts";
import type { Value } from "./operator.ts";
import { type Operator, operators } from "./operators.ts";
import { countOf, productOf } from "./shape.ts";
import type { TapeEntry, TapeNode } from "./tape.ts";

/** What one step of a batch graph takes, inferred from its shapes; nothing is run. */
export interface StepCost {
  /** The most that the values of one step hold at once, the parameters it starts from among them. */
  readonly memoryBytes: number;
  /** Of matrix products and convolutions, forward and backward. */
  readonly multiplyAdds: number;
}

/**
 * Goes through the nodes of a step in the order in which they run, and keeps
 * account of what lives: from the node that makes a value to the last that reads it.
 *
 * @param entering values that live when the step begins
 * @param results values that live when it has ended
 * @param batchSize what every size stands for that only the run knows
 */
export function stepCost(
  tape: readonly TapeEntry[],
  entering: readonly Value[],
  results: readonly Value[],
  batchSize: number,
): StepCost {
  const nodes = liveNodes(tape, results);
  const bytesOf = (value: Value): number =>
    countOf(productOf(value.shape), batchSize) * elementTypes[value.type].bytes;
  const lastReader = lastReaders(nodes, results);
  let live = entering.reduce((sum, value) => sum + bytesOf(value), 0);
  let most = live;
  let multiplyAdds = 0;
  for (const [index, node] of nodes.entries()) {
    live += isView(node) ? 0 : node.outputs.reduce((sum, value) => sum + bytesOf(value), 0);
    const inside = costInside(node, batchSize);
    most = Math.max(most, live + inside.memoryBytes);
    for (const value of lastReader.get(index) ?? []) live -= bytesOf(value);
    multiplyAdds += inside.multiplyAdds;
  }
  return { memoryBytes: most, multiplyAdds };
}

/**
 * By the index of a node, the values nobody reads after it. A view keeps what it
 * is of alive; results live on, and so does what the step did not make or get.
 */
function lastReaders(nodes: readonly TapeEntry[], results: readonly Value[]): Map<number, Value[]> {
  const sources = new Map<string, Value>();
  for (const node of nodes) {
    const [input] = node.inputs;
    if (isView(node) && input !== undefined) sources.set(node.output.name, sources.get(input.name) ?? input);
  }
  const sourceOf = (value: Value): Value => sources.get(value.name) ?? value;
  const kept = new Set(results.map((value) => sourceOf(value).name));
  const made = new Set(nodes.flatMap((node) => node.outputs.map((output) => output.name)));
  const last = new Map<string, { readonly value: Value; readonly index: number }>();
  for (const [index, node] of nodes.entries()) {
    for (const value of [...node.outputs, ...node.inputs].flatMap((each) => (each ? [sourceOf(each)] : []))) {
      if (made.has(value.name) && !kept.has(value.name)) last.set(value.name, { value, index });
    }
  }
  const byIndex = new Map<number, Value[]>();
  for (const { value, index } of last.values()) byIndex.set(index, [...(byIndex.get(index) ?? []), value]);
  return byIndex;
}

/** What a node takes while it runs, besides its outputs. */
function costInside(node: TapeEntry, batchSize: number): StepCost {
  if (node.op !== "Scan") return { memoryBytes: 0, multiplyAdds: multiplyAddsOf(node, node.op, batchSize) };
  const { graph, entering, carried, scanned } = node.body;
  const { memoryBytes, multiplyAdds } = stepCost(graph.tape, entering, [...carried, ...scanned], batchSize);
  return { memoryBytes, multiplyAdds: multiplyAdds * countOf(node.length, batchSize) };
}

function multiplyAddsOf<Op extends Operator>(node: TapeNode<Op>, op: Op, batchSize: number): number {
  const each = operators[op].multiplyAdds?.(node.inputs, node.attributes);
  return each === undefined ? 0 : countOf(productOf([...node.output.shape, each]), batchSize);
}

/** Whether the runtime gives the same memory another shape instead of copying it. */
function isView({ op }: TapeEntry): boolean {
  return views.has(op);
}

const views: ReadonlySet<string> = new Set(["Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"]);
