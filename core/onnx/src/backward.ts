import { SelvedgeError } from "@selvedge/protocol";
import { gradientRules, isDifferentiable } from "./gradient-rules.ts";
import type { AnyTapeNode, GraphBuilder, TapeNode } from "./graph-builder.ts";
import { TypeMismatch, type Value } from "./operator.ts";
import type { DifferentiableOperator } from "./operators.ts";

/**
 * Reverse-mode differentiation: emits the gradients of a scalar by each of the
 * `wanted` values, given its gradient by `output`. Nodes that lie on no path
 * from a wanted value to the output cost nothing.
 *
 * @param tape the forward nodes, in the order they run
 * @throws SelvedgeError `unsupported`, naming the user's node, for a use of an operator that has no gradient
 * @returns one gradient per wanted value, in its shape; undefined where the output does not depend on it
 */
export function backward(
  graph: GraphBuilder,
  tape: readonly AnyTapeNode[],
  output: Value,
  gradient: Value,
  wanted: readonly Value[],
): (Value | undefined)[] {
  const dependent = dependentsOf(wanted, tape);
  const gradients = new Map<string, Value>([[output.name, gradient]]);
  for (const node of tape.toReversed()) {
    const dy = gradients.get(node.output.name);
    if (dy === undefined || !hasRule(node)) continue;
    try {
      const partials = partialsOf(graph, node.op, node, dy);
      for (const [index, input] of node.inputs.entries()) {
        const partial = partials[index];
        if (input === undefined || partial === undefined || !dependent.has(input.name)) continue;
        const sum = gradients.get(input.name);
        // x used twice: dx is the sum of both uses
        gradients.set(input.name, sum === undefined ? partial() : graph.node("Add", [sum, partial()], {}));
      }
    } catch (thrown) {
      throw thrown instanceof TypeMismatch ? withoutGradient(node, thrown.message) : thrown;
    }
  }
  return wanted.map((value) => gradients.get(value.name));
}

/** Names of the values that change when a wanted value does. */
function dependentsOf(wanted: readonly Value[], tape: readonly AnyTapeNode[]): ReadonlySet<string> {
  const dependent = new Set(wanted.map((value) => value.name));
  for (const node of tape) {
    if (node.inputs.some((input) => input !== undefined && dependent.has(input.name))) {
      dependent.add(node.output.name);
    }
  }
  return dependent;
}

function partialsOf<Op extends DifferentiableOperator>(
  graph: GraphBuilder,
  op: Op,
  node: TapeNode<Op>,
  dy: Value,
) {
  return gradientRules[op](graph, node, dy);
}

function hasRule(node: AnyTapeNode): node is AnyTapeNode<DifferentiableOperator> {
  return isDifferentiable(node.op);
}

function withoutGradient({ op, at }: AnyTapeNode, why: string): SelvedgeError {
  return new SelvedgeError("unsupported", `this use of ${op} has no gradient: ${why}`, {
    ...(at !== undefined && { at }),
    fix: "export the model with fixed shapes, except for the batch, and standard attributes",
  });
}
