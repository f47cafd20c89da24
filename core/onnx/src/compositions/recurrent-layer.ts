import { add } from "../arithmetic.ts";
import { rowsOf, transpose, unsqueeze } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { type Flag, mismatch, TypeMismatch, type Value } from "../operator.ts";
import { type Dimension, sameShape } from "../shape.ts";
import { type Activation, activationsOf } from "./recurrent-activations.ts";

export interface RecurrentAttributes {
  readonly activations?: readonly string[];
  readonly direction?: string;
  readonly hidden_size?: number;
  /** 1: the batch comes before the time. */
  readonly layout?: Flag;
}

export const recurrentAttributes = {
  activations: "strings",
  direction: "string",
  hidden_size: "int",
  layout: "int",
} as const;

/** Inputs of a layer as the standard has them. */
export interface LayerInputs {
  /** [time, batch, input]. */
  readonly x: Value;
  /** [directions, gates * hidden, input]. */
  readonly w: Value;
  /** [directions, gates * hidden, hidden]. */
  readonly r: Value;
  /** [directions, 2 * gates * hidden]: of `w`, then of `r`. */
  readonly b: Value | undefined;
  /** int32 [batch]: how many steps of each example count. */
  readonly lengths: Value | undefined;
  /** One for each state, [directions, batch, hidden]; zeros where there is none. */
  readonly initial: readonly (Value | undefined)[];
  /** [directions, 3 * hidden]. */
  readonly peepholes?: Value | undefined;
}

/** What one direction of a layer computes with. */
export interface CellWeights<Functions extends string> {
  /** [gates * hidden, hidden]. */
  readonly recurrence: Value;
  /** [gates * hidden], of the input. */
  readonly bias: Value | undefined;
  /** [gates * hidden], of the recurrence. */
  readonly recurrenceBias: Value | undefined;
  /** [3 * hidden]. */
  readonly peepholes: Value | undefined;
  readonly activations: { readonly [Name in Functions]: Activation };
}

/** The equations of one step of one direction, from [batch, hidden] to [batch, hidden]. */
export interface Cell<States extends readonly Value[]> {
  /** What is added to Xₜ·Wᵀ, for all steps at once. */
  readonly bias: Value | undefined;
  /**
   * @param x Xₜ·Wᵀ + bias, [batch, gates * hidden]
   * @returns the next states; the first is the output
   */
  step(graph: GraphBuilder, x: Value, states: States): States;
}

/** States: the output, and what else is carried. Functions: names of the activations, in the standard's order. */
export interface CellKind<States extends readonly Value[], Functions extends string> {
  readonly gates: number;
  /** The standard's defaults. */
  readonly activations: { readonly [Name in Functions]: string };
  cell(graph: GraphBuilder, weights: CellWeights<Functions>): Cell<States>;
}

/**
 * A recurrent layer of any kind of cell, as one Scan for each direction. What does
 * not depend on the step before, the product of the inputs and their weights, is
 * one product over all steps.
 *
 * @returns Y, and then the final states, as the standard has them
 */
export function recurrentLayer<States extends readonly Value[], Functions extends string>(
  g: GraphBuilder,
  inputs: LayerInputs,
  attributes: RecurrentAttributes,
  kind: CellKind<States, Functions>,
): readonly Value[] {
  const { layout = 0, direction = "forward" } = attributes;
  const reverses = directions.get(direction);
  if (reverses === undefined) throw new TypeMismatch(`the direction "${direction}" is not known`);
  const x = layout ? transpose(g, inputs.x, [1, 0, 2]) : inputs.x;
  const hidden = hiddenSize(inputs, kind.gates, reverses.length, attributes.hidden_size);
  const initial = inputs.initial.map((state) => state && (layout ? transpose(g, state, [1, 0, 2]) : state));
  const each = (value: Value | undefined): readonly Value[] =>
    value === undefined ? [] : alongDirections(g, value, reverses.length);
  const [ws, rs, bs, ps] = [each(inputs.w), each(inputs.r), each(inputs.b), each(inputs.peepholes)];
  const states = initial.map((state) => each(state));
  const functions = activationsOf(attributes.activations, kind.activations, reverses.length);
  const mask = maskOf(g, x, inputs.lengths);
  const runs = reverses.map((reverse, index) => {
    const [w, r, b, activations] = [ws[index], rs[index], bs[index], functions[index]];
    if (w === undefined || r === undefined || activations === undefined) {
      throw mismatch("the weights do not fit", inputs.w, inputs.r);
    }
    const [bias, recurrenceBias] = b === undefined ? [] : parts(g, b, 2);
    const cell = kind.cell(g, {
      recurrence: r,
      bias,
      recurrenceBias,
      peepholes: ps[index],
      activations,
    });
    const start = states.map((state) => startOf(g, x, hidden, state[index]));
    return run(g, { x: projected(g, x, w, cell.bias), start, mask, reverse }, cell);
  });
  return outputsOf(g, runs, layout);
}

interface Run {
  /** [time, batch, hidden]. */
  readonly y: Value;
  readonly final: readonly Value[];
}

function run<States extends readonly Value[]>(
  g: GraphBuilder,
  {
    x,
    start,
    mask,
    reverse,
  }: { x: Value; start: readonly Value[]; mask: Value | undefined; reverse: boolean },
  cell: Cell<States>,
): Run {
  const scan = g.scan(
    start,
    (body, states, elementOf) => {
      // There are as many states as the cell's layer has initial ones.
      const next = cell.step(body, elementOf(x), states as unknown as States);
      const counts = mask && elementOf(mask);
      const kept = next.map((state, index) => where(body, counts, state, states[index] ?? state));
      const output = next.slice(0, 1).map((y) => where(body, counts, y, body.scalar(0, y.type)));
      return { carried: kept, scanned: output };
    },
    { reverse },
  );
  const [y] = scan.scanned;
  if (y === undefined) throw new TypeMismatch("it has no output");
  return { y, final: scan.carried };
}

function where(g: GraphBuilder, condition: Value | undefined, yes: Value, no: Value): Value {
  return condition === undefined ? yes : g.node("Where", [condition, yes, no], {});
}

/** Xₜ·Wᵀ + b for all steps. */
function projected(g: GraphBuilder, x: Value, w: Value, bias: Value | undefined): Value {
  const [time = 1, batch = 1] = x.shape;
  const [width = 1] = w.shape;
  const rows = linear(g, rowsOf(g, x), w, bias);
  const sizes =
    typeof time === "number"
      ? g.integers(time, -1, Number(width))
      : g.node("Concat", [g.node("Shape", [x], { end: 2 }), g.integers(Number(width))], { axis: 0 });
  return { ...g.node("Reshape", [rows, sizes], {}), shape: [time, batch, width] };
}

function outputsOf(g: GraphBuilder, runs: readonly Run[], layout: Flag): readonly Value[] {
  const together = (values: readonly Value[], axis: number): Value => {
    const [first, ...others] = values.map((value) => unsqueeze(g, value, axis));
    if (first === undefined) throw new TypeMismatch("it has no direction");
    return others.length === 0 ? first : g.node("Concat", [first, ...others], { axis });
  };
  const y = together(
    runs.map((each) => each.y),
    1,
  );
  const final = (runs[0]?.final ?? []).map((state, index) =>
    together(
      runs.map((each) => each.final[index] ?? state),
      0,
    ),
  );
  if (layout === 0) return [y, ...final];
  return [transpose(g, y, [2, 0, 1, 3]), ...final.map((state) => transpose(g, state, [1, 0, 2]))];
}

/** The parts of a value [directions, ...] for each of them. */
function alongDirections(g: GraphBuilder, value: Value, count: number): readonly Value[] {
  if (value.shape[0] !== count) throw mismatch(`it is not for ${count} directions`, value);
  const parts = count === 1 ? [value] : g.outputs("Split", [value], { axis: 0, num_outputs: count });
  return parts.map((part) => g.node("Squeeze", [part, g.integers(0)], {}));
}

/** a·wᵀ + b: the form whose product and whose gradient by `a` the runtime computes fastest. */
export function linear(g: GraphBuilder, a: Value, w: Value, b: Value | undefined): Value {
  return g.node("Gemm", b === undefined ? [a, w] : [a, w, b], { transB: 1 });
}

/** Equal parts of an axis. */
export function parts<Count extends keyof Parts>(
  g: GraphBuilder,
  x: Value,
  count: Count,
  axis = -1,
): Parts[Count] {
  // There are as many outputs as are asked for.
  return g.outputs("Split", [x], { axis, num_outputs: count }) as unknown as Parts[Count];
}

interface Parts {
  2: readonly [Value, Value];
  3: readonly [Value, Value, Value];
  4: readonly [Value, Value, Value, Value];
}

export function addBiases(g: GraphBuilder, a: Value | undefined, b: Value | undefined): Value | undefined {
  return a === undefined || b === undefined ? (a ?? b) : add(g, a, b);
}

/** [batch, hidden]: a state before the first step. */
function startOf(g: GraphBuilder, x: Value, hidden: number, given: Value | undefined): Value {
  const shape = [x.shape[1] ?? 1, hidden];
  if (given !== undefined) {
    if (given.shape.length !== 2 || given.shape[1] !== hidden) throw mismatch("the initial state", given);
    return { ...given, shape };
  }
  const batch = g.node("Shape", [x], { start: 1, end: 2 });
  const sizes = g.node("Concat", [batch, g.integers(hidden)], { axis: 0 });
  return { ...g.node("Expand", [g.scalar(0, x.type), sizes], {}), shape };
}

/** bool [time, batch, 1]: which steps of each example count; undefined where all do. */
function maskOf(g: GraphBuilder, x: Value, lengths: Value | undefined): Value | undefined {
  if (lengths === undefined) return undefined;
  const [time, batch = 1] = x.shape;
  if (typeof time !== "number") throw mismatch("lengths of sequences whose longest is not fixed", x);
  if (g.constantOf(lengths)?.every((length) => length === time)) return undefined;
  const steps = g.constant(Int32Array.from(Array(time).keys()), [time, 1, 1]);
  const ends = unsqueeze(g, { ...lengths, shape: [batch] }, 1);
  return g.node("Less", [steps, ends], {});
}

function hiddenSize(
  { x, w, r, b, peepholes }: LayerInputs,
  gates: number,
  count: number,
  declared: number | undefined,
): number {
  const hidden = r.shape[2];
  const [, , input] = x.shape;
  if (typeof hidden !== "number" || x.shape.length !== 3 || input === undefined) {
    throw mismatch("the inputs do not fit", x, w, r);
  }
  const fits = (value: Value | undefined, ...shape: readonly Dimension[]): boolean =>
    value === undefined || sameShape(value.shape, [count, ...shape]);
  const all =
    fits(w, gates * hidden, input) &&
    fits(r, gates * hidden, hidden) &&
    fits(b, 2 * gates * hidden) &&
    fits(peepholes, 3 * hidden) &&
    (declared ?? hidden) === hidden;
  if (!all) throw mismatch(`the weights do not fit ${count} directions`, x, w, r);
  return hidden;
}

/** Whether each direction goes from the last step to the first. */
const directions: ReadonlyMap<string, readonly boolean[]> = new Map([
  ["forward", [false]],
  ["reverse", [true]],
  ["bidirectional", [false, true]],
]);
