import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./operator.ts";
import type { Operator } from "./operators.ts";
import type { TapeNode } from "./tape.ts";

/** Emits the gradient of one input; called only when someone needs it. */
export type Partial = () => Value;

/**
 * Reverse-mode rule of an operator: given dy, the gradient of the loss by its
 * output, one thunk per input that gives the gradient by that input, in its
 * shape. `undefined` stands for inputs that have none (a shape, an index).
 * An operator of several outputs takes `dys`, undefined by those that the loss does not depend on.
 */
export type GradientRule<Op extends Operator> = (
  graph: GraphBuilder,
  node: TapeNode<Op>,
  dy: Value,
  dys: readonly (Value | undefined)[],
) => readonly (Partial | undefined)[];

/** The rules of one family: a missing one does not compile. */
export type GradientTable<Ops extends Operator> = { readonly [Op in Ops]: GradientRule<Op> };
