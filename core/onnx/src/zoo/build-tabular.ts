import type { OnnxModel } from "../model.ts";
import { TypeMismatch, type Value } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";
import type { Layers } from "./layers.ts";

export interface TabularOptions extends NetworkOptions {
  /** How many values each of the first columns has, which are codes from 0; the other columns are numbers. */
  readonly categories?: readonly number[];
}

/**
 * A network for rows of a table: an embedding for each column of codes (Guo and
 * Berkhahn 2016, "Entity Embeddings of Categorical Variables"), beside the
 * columns of numbers, then fully connected layers with ReLU.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildTabular({ categories = [], ...options }: TabularOptions): OnnxModel {
  const fix = "give the number of columns, and categories for at most as many";
  return buildNetwork({ name: "tabular", initialisation: "he", fix, ...options }, (l, rows) => {
    const [columns = 0, ...more] = options.inputShape;
    if (more.length > 0 || columns < categories.length) throw new TypeMismatch("those are no such columns");
    const embedded = categories.map((count, index) =>
      l.embedding(column(l, rows, index), count, Math.min(16, Math.ceil(count / 2)), `embedding${index + 1}`),
    );
    const [first = rows, ...others] = [...embedded, ...numbers(l, rows, categories.length, columns)];
    let layer = others.length > 0 ? l.g.node("Concat", [first, ...others], { axis: 1 }) : first;
    for (const [index, units] of [64, 32].entries()) layer = l.relu(l.linear(layer, units, `fc${index + 1}`));
    return l.linear(layer, options.classes, "fc3");
  });
}

/** [batch, columns] to [batch]. */
function column({ g }: Layers, rows: Value, index: number): Value {
  const one = g.node("Slice", [rows, g.integers(index), g.integers(index + 1), g.integers(1)], {});
  return g.node("Squeeze", [one, g.integers(1)], {});
}

function numbers({ g }: Layers, rows: Value, from: number, to: number): Value[] {
  if (from === to) return [];
  return [g.node("Slice", [rows, g.integers(from), g.integers(to), g.integers(1)], {})];
}
