import type { GraphBuilder } from "../graph-builder.ts";
import { TypeMismatch, type Value } from "../operator.ts";

export type Activation = (graph: GraphBuilder, x: Value) => Value;

/**
 * The functions of each direction, by the cell's names for them.
 *
 * @param given as the attribute has them, those of one direction after the other
 * @throws TypeMismatch naming what is not known
 */
export function activationsOf<Functions extends string>(
  given: readonly string[] | undefined,
  defaults: { readonly [Name in Functions]: string },
  count: number,
): readonly { readonly [Name in Functions]: Activation }[] {
  const names = Object.keys(defaults);
  const all = given ?? Array<readonly string[]>(count).fill(Object.values(defaults)).flat();
  if (all.length !== count * names.length) throw new TypeMismatch(`it has ${all.length} activations`);
  return Array.from({ length: count }, (_, direction) => {
    const own = all.slice(direction * names.length);
    return Object.fromEntries(names.map((name, index) => [name, activationOf(own[index] ?? "")])) as {
      readonly [Name in Functions]: Activation;
    };
  });
}

function activationOf(name: string): Activation {
  const activation = activations.get(name);
  if (activation !== undefined) return activation;
  throw new TypeMismatch(`the activation "${name}" is not one of ${[...activations.keys()].join(", ")}`);
}

const activations: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ["Relu", (g, x) => g.node("Relu", [x], {})],
  ["Sigmoid", (g, x) => g.node("Sigmoid", [x], {})],
  ["Tanh", (g, x) => g.node("Tanh", [x], {})],
]);
