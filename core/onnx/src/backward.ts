import { SelvedgeError } from "@selvedge/protocol";
import { zerosLike } from "./gradient-families.ts";
import type { Partial } from "./gradient-rule.ts";
import { isDifferentiable, partialsOf } from "./gradient-rules.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { TypeMismatch, type Value } from "./operator.ts";
import type { DifferentiableOperator } from "./operators.ts";
import { scanPartials } from "./scan-gradient.ts";
import type { AnyTapeNode, TapeEntry } from "./tape.ts";

/** An output, and the gradient of the loss by it. */
export interface Seed {
  readonly output: Value;
  readonly gradient: Value;
}

/**
 * Reverse-mode differentiation: emits the gradients of a scalar by each of the
 * `wanted` values, given its gradients by some outputs. Nodes that lie on no path
 * from a wanted value to one of these cost nothing.
 *
 * @param tape the forward nodes, in the order they run
 * @throws SelvedgeError `unsupported`, naming the user's node, for a use of an operator that has no gradient
 * @returns one gradient per wanted value, in its shape; undefined where no output depends on it
 */
export function backward(
  graph: GraphBuilder,
  tape: readonly TapeEntry[],
  seeds: readonly Seed[],
  wanted: readonly Value[],
): (Value | undefined)[] {
  const dependent = dependentsOf(wanted, tape);
  const gradients = new Map<string, Value>();
  // x used twice: dx is the sum of both uses
  const addTo = ({ name }: Value, partial: Value): void => {
    const sum = gradients.get(name);
    gradients.set(name, sum === undefined ? partial : graph.node("Add", [sum, partial], {}));
  };
  for (const { output, gradient } of seeds) addTo(output, gradient);
  for (const node of tape.toReversed()) {
    const dys = node.outputs.map((output) => gradients.get(output.name));
    const isWanted = (input: Value | undefined): boolean => input !== undefined && dependent.has(input.name);
    if (dys.every((dy) => dy === undefined) || !node.inputs.some(isWanted)) continue;
    try {
      const partials = partialsBy(graph, node, dys, isWanted);
      for (const [index, input] of node.inputs.entries()) {
        const partial = partials[index];
        if (input !== undefined && partial !== undefined && isWanted(input)) addTo(input, partial());
      }
    } catch (thrown) {
      throw thrown instanceof TypeMismatch ? withoutGradient(node, thrown.message) : thrown;
    }
  }
  return wanted.map((value) => gradients.get(value.name));
}

/** Names of the values that change when a wanted value does. */
function dependentsOf(wanted: readonly Value[], tape: readonly TapeEntry[]): ReadonlySet<string> {
  const dependent = new Set(wanted.map((value) => value.name));
  for (const node of tape) {
    if (node.inputs.some((input) => input !== undefined && dependent.has(input.name))) {
      for (const output of node.outputs) dependent.add(output.name);
    }
  }
  return dependent;
}

function partialsBy(
  graph: GraphBuilder,
  node: TapeEntry,
  dys: readonly (Value | undefined)[],
  isWanted: (input: Value) => boolean,
): readonly (Partial | undefined)[] {
  if (node.op === "Scan") return scanPartials(graph, node, dys, isWanted, backward);
  if (!hasRule(node)) return [];
  return partialsOf(graph, node.op, node, dys[0] ?? zerosLike(graph, node.output), dys);
}

function hasRule(node: AnyTapeNode): node is AnyTapeNode<DifferentiableOperator> {
  return isDifferentiable(node.op);
}

function withoutGradient({ op, at }: TapeEntry, why: string): SelvedgeError {
  return new SelvedgeError("unsupported", `this use of ${op} has no gradient: ${why}`, {
    ...(at !== undefined && { at }),
    fix: "export the model with fixed shapes, except for the batch, and standard attributes",
  });
}
