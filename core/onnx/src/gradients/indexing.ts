import { cast } from "../arithmetic.ts";
import { expandLike, transpose, unsqueeze, zerosLike } from "../gradient-families.ts";
import type { GradientTable } from "../gradient-rule.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { axisOf, type Value } from "../operator.ts";
import type { IndexingSignatures } from "../operators/indexing.ts";
import { scatterPartials } from "./scatter.ts";

export const indexingGradients: GradientTable<keyof IndexingSignatures> = {
  // y[i] = data[index[i]]: each row of dy is added to the row it was taken from
  Gather: (g, { inputs: [data, indices], attributes: { axis = 0 } }, dy) => [
    () => addRows(g, data, axisOf(axis, data.shape.length), indices, dy),
    undefined,
  ],

  // each element of dy is added to the element it was taken from
  GatherElements: (g, { inputs: [data, indices], attributes: { axis = 0 } }, dy) => [
    () => g.node("ScatterElements", [zerosLike(g, data), indices, dy], { axis, reduction: "add" }),
    undefined,
  ],

  // each slice of dy is added to the slice it was taken from
  GatherND: (g, { inputs: [data, indices], attributes: { batch_dims: batch = 0 } }, dy) => [
    () =>
      g.node("ScatterND", [zerosLike(g, data), wholeIndices(g, indices, batch), dy], { reduction: "add" }),
    undefined,
  ],

  // turned around again
  ReverseSequence: (g, { inputs: [, lengths], attributes }, dy) => [
    () => g.node("ReverseSequence", [dy, lengths], attributes),
    undefined,
  ],

  ScatterElements: (g, { inputs: [data, indices, updates], output, attributes }, dy) => {
    const { axis = 0, reduction = "none" } = attributes;
    const [atData, atUpdates] = scatterPartials(g, { data, updates, output, dy }, reduction, {
      put: (into, values, how) =>
        g.node("ScatterElements", [into, indices, values], { axis, reduction: how }),
      take: (from) => g.node("GatherElements", [from, indices], { axis }),
    });
    return [atData, undefined, atUpdates];
  },

  ScatterND: (g, { inputs: [data, indices, updates], output, attributes }, dy) => {
    const { reduction = "none" } = attributes;
    const [atData, atUpdates] = scatterPartials(g, { data, updates, output, dy }, reduction, {
      put: (into, values, how) => g.node("ScatterND", [into, indices, values], { reduction: how }),
      take: (from) => g.node("GatherND", [from, indices], {}),
    });
    return [atData, undefined, atUpdates];
  },

  // each of those taken gives its dy back to where it was
  TopK: (g, { inputs: [x], attributes: { axis = -1 }, outputs: [, places = x] }, dy) => [
    () => g.node("ScatterElements", [zerosLike(g, x), places, dy], { axis }),
    undefined,
  ],
};

/** The indices of a GatherND with those of the axes it has in common with the data written out before them. */
function wholeIndices(g: GraphBuilder, indices: Value, batch: number): Value {
  const [only, ...more] = [...Array(batch).keys()].map((axis) => {
    const size = sizeOf(g, indices, axis);
    const range = {
      ...g.node("Range", [g.integer(0), size, g.integer(1)], {}),
      shape: [indices.shape[axis] ?? 1],
    };
    const others = [...indices.shape.keys()].filter((each) => each !== axis);
    const first = g.node("Slice", [indices, g.integers(0), g.integers(1), g.integers(-1)], {});
    return expandLike(g, unsqueeze(g, range, ...others), first);
  });
  return only === undefined ? indices : g.node("Concat", [only, ...more, indices], { axis: -1 });
}

/** How many there are along an axis, an int64 scalar. */
function sizeOf(g: GraphBuilder, x: Value, axis: number): Value {
  return g.node("Gather", [g.node("Shape", [x], {}), g.integer(axis)], {});
}

/** Zeros in the shape of `data`, with the rows of `dy` added along one axis where `indices` say. */
function addRows(g: GraphBuilder, data: Value, axis: number, indices: Value, dy: Value): Value {
  const rows = unsqueeze(g, cast(g, indices, "int64"), -1);
  const axes = [...data.shape.keys()];
  const toFront = [axis, ...axes.filter((each) => each !== axis)];
  const indexAxes = indices.shape.map((_, index) => axis + index);
  const others = [...dy.shape.keys()].filter((each) => !indexAxes.includes(each));
  const added = g.node(
    "ScatterND",
    [transpose(g, zerosLike(g, data), toFront), rows, transpose(g, dy, [...indexAxes, ...others])],
    { reduction: "add" },
  );
  return transpose(
    g,
    added,
    axes.map((each) => toFront.indexOf(each)),
  );
}
