import { add, div, equal, mul, sub } from "../arithmetic.ts";
import { zerosLike } from "../gradient-families.ts";
import type { Partial } from "../gradient-rule.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";

interface Scattered {
  readonly data: Value;
  readonly updates: Value;
  readonly output: Value;
  readonly dy: Value;
}

/** Puts values where an operator puts its updates, and takes them from there. */
interface Places {
  put(into: Value, values: Value, reduction: string): Value;
  take(from: Value): Value;
}

/** By the data and by the updates; each place may get several updates, unless they replace what is there. */
export function scatterPartials(
  g: GraphBuilder,
  scattered: Scattered,
  reduction: string,
  places: Places,
): readonly [Partial, Partial] {
  const { dy, updates } = scattered;
  switch (reduction) {
    case "add":
      return [() => dy, () => places.take(dy)];
    case "mul":
      // y = d Πu: dd = dy Πu, du = dy d times the product of the others
      return [
        () => places.put(dy, updates, "mul"),
        () => mul(g, places.take(dy), productOfOthers(g, scattered, places)),
      ];
    case "max":
    case "min":
      return [() => shares(g, scattered, places).ofData(), () => shares(g, scattered, places).ofUpdates()];
    default:
      // what was replaced gets nothing, what was put there gets its dy
      return [() => places.put(dy, zerosLike(g, updates), "none"), () => places.take(dy)];
  }
}

/** For each update the product of the data and all other updates of its place; of zeros there is no quotient. */
function productOfOthers(g: GraphBuilder, { data, updates }: Scattered, places: Places): Value {
  const isZero = equal(g, updates, 0);
  const factors = add(g, updates, isZero);
  const product = div(g, places.take(places.put(data, factors, "mul")), factors);
  const zeros = places.take(places.put(zerosLike(g, data), isZero, "add"));
  return mul(g, product, equal(g, sub(g, zeros, isZero), 0));
}

/** dy goes to what became the output, in equal parts where several did. */
function shares(
  g: GraphBuilder,
  { data, updates, output, dy }: Scattered,
  places: Places,
): { ofData(): Value; ofUpdates(): Value } {
  const [fromData, fromUpdates] = [equal(g, data, output), equal(g, updates, places.take(output))];
  const share = div(g, dy, places.put(fromData, fromUpdates, "add"));
  return { ofData: () => mul(g, fromData, share), ofUpdates: () => mul(g, fromUpdates, places.take(share)) };
}
