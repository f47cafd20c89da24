import type { CompositionTable } from "../composition.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { axesOf, constantInput, mismatch, TypeMismatch, type Value } from "../operator.ts";

export interface PaddingCompositions {
  Pad: {
    inputs: readonly [x: Value, pads: Value, value?: Value, axes?: Value];
    attributes: { mode?: string };
  };
}

export const paddingCompositions: CompositionTable<PaddingCompositions> = {
  // what is padded with lies in x itself, except for a constant
  Pad: {
    arity: [2, 4],
    attributes: { mode: "string" },
    compose: (g, [x, pads, value, axes], { mode = "constant" }) => {
      const sizes = padSizes(g, x, pads, axes);
      if (mode === "constant") return padded(g, x, sizes, value);
      if (!isRepeating(mode)) throw new TypeMismatch(`padding of mode "${mode}" is not known`);
      return [...sizes].reduce((result, [axis, { before, after }]) => {
        const cropped = cut(g, result, axis, Math.max(0, -before), Math.min(0, after));
        return extended(g, cropped, axis, mode, Math.max(0, before), Math.max(0, after));
      }, x);
    },
  },
};

type Mode = "edge" | "reflect" | "wrap";

interface Pads {
  readonly before: number;
  readonly after: number;
}

function padSizes(
  g: GraphBuilder,
  x: Value,
  pads: Value,
  axes: Value | undefined,
): ReadonlyMap<number, Pads> {
  const rank = x.shape.length;
  const padded = axes === undefined ? [...x.shape.keys()] : axesOf(constantInput(axes, "axes", g), rank);
  const sizes = constantInput(pads, "pads", g);
  if (sizes.length !== 2 * padded.length) throw mismatch(`${sizes.length} pads do not fit`, x);
  return new Map(
    padded.map((axis, index) => [
      axis,
      { before: sizes[index] ?? 0, after: sizes[index + padded.length] ?? 0 },
    ]),
  );
}

function padded(
  g: GraphBuilder,
  x: Value,
  sizes: ReadonlyMap<number, Pads>,
  value: Value | undefined,
): Value {
  const axes = [...x.shape.keys()];
  const pads = [
    ...axes.map((axis) => sizes.get(axis)?.before ?? 0),
    ...axes.map((axis) => sizes.get(axis)?.after ?? 0),
  ];
  return g.node("Pad", value === undefined ? [x, g.integers(...pads)] : [x, g.integers(...pads), value], {});
}

function isRepeating(mode: string): mode is Mode {
  return mode === "edge" || mode === "reflect" || mode === "wrap";
}

function extended(g: GraphBuilder, x: Value, axis: number, mode: Mode, before: number, after: number): Value {
  if (before === 0 && after === 0) return x;
  const size = x.shape[axis];
  const most = typeof size === "number" ? reachOf(mode, size) : 0;
  if (typeof size !== "number" || before > most || after > most) {
    throw mismatch(`axis ${axis} cannot be padded by ${before} and ${after} in mode "${mode}"`, x);
  }
  const parts = {
    edge: () => [repeated(g, x, axis, 0, before), x, repeated(g, x, axis, size - 1, after)],
    reflect: () => [backwards(g, x, axis, before, before), x, backwards(g, x, axis, size - 2, after)],
    wrap: () => [slice(g, x, axis, size - before, size), x, slice(g, x, axis, 0, after)],
  }[mode]();
  const [first = x, ...rest] = parts.filter((part) => part.shape[axis] !== 0);
  return g.node("Concat", [first, ...rest], { axis });
}

/** How far an axis can be padded on one side. */
function reachOf(mode: Mode, size: number): number {
  if (mode === "edge") return size === 0 ? 0 : padMax;
  return mode === "reflect" ? size - 1 : size;
}

/** One element along an axis, `times` times. */
function repeated(g: GraphBuilder, x: Value, axis: number, at: number, times: number): Value {
  const shape = x.shape.map((_, each) => (each === axis ? times : 1));
  return times === 0
    ? slice(g, x, axis, 0, 0)
    : g.node("Expand", [slice(g, x, axis, at, at + 1), g.integers(...shape)], {});
}

/** Elements of an axis from one on towards the first. */
function backwards(g: GraphBuilder, x: Value, axis: number, from: number, length: number): Value {
  // Before the first there is -1, which would count from the end.
  const to = from - length >= 0 ? from - length : -(2 ** 31);
  const [start, end, step] = [g.integers(from), g.integers(to), g.integers(-1)];
  return length === 0
    ? slice(g, x, axis, 0, 0)
    : g.node("Slice", [x, start, end, g.integers(axis), step], {});
}

function cut(g: GraphBuilder, x: Value, axis: number, start: number, fromEnd: number): Value {
  if (start === 0 && fromEnd === 0) return x;
  return slice(g, x, axis, start, fromEnd === 0 ? 2 ** 31 - 1 : fromEnd);
}

function slice(g: GraphBuilder, x: Value, axis: number, start: number, end: number): Value {
  return g.node("Slice", [x, g.integers(start), g.integers(end), g.integers(axis)], {});
}

/** More of the same is no padding. */
const padMax = 65_536;
