import { add, div, mul, square, sub } from "../arithmetic.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";

/** A scan whose gradients are checked by all its inputs. */
export interface ScanCase {
  readonly name: string;
  /** Initial states, sequences, and values from outside, as `emit` has them. */
  readonly inputs: readonly (readonly number[])[];
  /** Whether the graph knows only the name of the first size of all inputs. */
  readonly isBatch?: boolean;
  /** What the loss depends on. */
  emit(g: GraphBuilder, inputs: readonly Value[]): readonly Value[];
}

/** What no recurrent layer does. */
export const scanCases: readonly ScanCase[] = [
  scanCase("values from outside that are divided by and multiplied from the left", {
    inputs: [[2, 3], [4, 2, 3], [2, 2], [3]],
    emit: (g, [h, x, w, d]) => {
      const divisor = add(g, square(g, d), 1);
      const { carried, scanned } = g.scan([h], (body, [before = h], elementOf) => {
        const sum = add(body, body.node("MatMul", [w, before], {}), elementOf(x));
        const next = body.node("Tanh", [div(body, sum, divisor)], {});
        return { carried: [next], scanned: [mul(body, next, before)] };
      });
      return [...carried, ...scanned];
    },
  }),
  scanCase("a weight that is used twice, a bias and factors, from the last to the first", {
    inputs: [[2, 3], [4, 2, 3], [3, 3], [3]],
    emit: (g, [h, x, w, b]) => {
      const { carried } = g.scan(
        [h],
        (body, [before = h], elementOf) => {
          const product = (a: Value): Value => body.node("MatMul", [a, w], {});
          const linear = sub(body, add(body, product(before), b), product(elementOf(x)));
          return { carried: [body.node("Tanh", [mul(body, linear, b)], {})], scanned: [] };
        },
        { reverse: true },
      );
      return carried;
    },
  }),
  scanCase("states that forget what was before, and a value from outside that becomes one", {
    inputs: [
      [2, 3],
      [4, 2, 3],
      [2, 3],
      [2, 3],
    ],
    emit: (g, [h, x, w, k]) => {
      const { carried, scanned } = g.scan([h, k], (body, [before = h, outside = k], elementOf) => ({
        carried: [body.node("Exp", [elementOf(x)], {}), w],
        scanned: [mul(body, before, outside)],
      }));
      return [...carried, ...scanned];
    },
  }),
];

type Four<Item> = readonly [Item, Item, Item, Item];

function scanCase(
  name: string,
  {
    inputs,
    emit,
  }: { inputs: Four<readonly number[]>; emit(g: GraphBuilder, inputs: Four<Value>): readonly Value[] },
): ScanCase {
  // A check gives as many values as there are shapes.
  return { name: `Scan: ${name}`, inputs, emit: (g, values) => emit(g, values as unknown as Four<Value>) };
}
