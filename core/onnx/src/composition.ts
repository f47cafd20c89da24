import type { Noise } from "./counter-hash.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { AttributeKind, Signature, Value } from "./operator.ts";

/** How the model is run: the two differ where an operator behaves differently while it learns. */
export interface ComposeMode {
  readonly training: boolean;
  /** What randomness comes from; where there is none, nothing is random. */
  readonly noise?: Noise;
  /** What a parameter that no gradient changes, such as a running mean, has become in this step so far. */
  latest(parameter: Value): Value;
  /** Says what it becomes. */
  update(parameter: Value, next: Value): void;
}

/** As the model is used: nothing learns. */
export const evaluationMode: ComposeMode = {
  training: false,
  latest: (parameter) => parameter,
  update: () => {},
};

/**
 * An operator that is read as a composition of others, and differentiated
 * through them. For operators whose own kernel is no faster, or is not there.
 */
export interface CompositionSpec<S extends Signature> {
  readonly arity: readonly [number, number];
  readonly attributes: { readonly [Name in keyof S["attributes"]]-?: AttributeKind };
  /** Attributes that every use has. */
  readonly required?: readonly (keyof S["attributes"] & string)[];
  /** Throws a TypeMismatch when the inputs do not fit. Several outputs come as a list. */
  compose(
    graph: GraphBuilder,
    inputs: S["inputs"],
    attributes: Readonly<S["attributes"]>,
    mode: ComposeMode,
  ): Value | readonly Value[];
}

export type CompositionTable<Signatures extends { readonly [Op in keyof Signatures]: Signature }> = {
  readonly [Op in keyof Signatures]: CompositionSpec<Signatures[Op]>;
};
