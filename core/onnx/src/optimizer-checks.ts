import { mul } from "./arithmetic.ts";
import { applyTerms, type GradientTerms, isClipped, type TermInputs } from "./gradient-terms.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { serializeModel } from "./model.ts";
import type { Value } from "./operator.ts";
import { type Optimizer, optimizerRule } from "./optimizers.ts";

/** One step of an optimizer as a graph in float64, to be compared with what others compute. */
export interface OptimizerCheck {
  /**
   * ONNX bytes. Inputs: rate and count, scalars; for parameter i of the given lengths `parameter/i`,
   * `gradient/i`, and with the terms that need them `anchor/i` and `correction/i`; `state/k/i`.
   * Outputs: `parameter/i/next`, `state/k/i/next`.
   */
  readonly model: Uint8Array;
  /** What state k is before the first step. */
  readonly initial: readonly number[];
}

export function optimizerCheck(
  optimizer: Optimizer,
  terms: GradientTerms,
  lengths: readonly number[],
): OptimizerCheck {
  const g = new GraphBuilder();
  const rule = optimizerRule(optimizer);
  const rate = g.input("rate", "float64", []);
  const count = g.input("count", "float64", []);
  const inputs = (kind: string): Value[] =>
    lengths.map((length, index) => g.input(`${kind}/${index}`, "float64", [length]));
  const parameters = inputs("parameter");
  const raw = inputs("gradient");
  const termInputs: TermInputs = {
    anchors: terms.proximal === undefined ? [] : inputs("anchor"),
    corrections: terms.correction ? inputs("correction") : [],
  };
  const isScaled = rule.isLinear && !isClipped(terms);
  const given = raw.map((gradient) => (isScaled ? mul(g, gradient, rate) : gradient));
  const scale = rule.isLinear ? rate : undefined;
  const gradients = applyTerms(g, terms, termInputs, parameters, given, scale);
  const state = rule.state.map((_, kind) => inputs(`state/${kind}`));
  const step = rule.begin(g, rate, count);
  for (const [index, parameter] of parameters.entries()) {
    const kept = state.flatMap((values) => values[index] ?? []);
    const next = step(parameter, gradients[index] ?? parameter, kept);
    g.output(`parameter/${index}/next`, next.parameter);
    for (const [kind, value] of next.state.entries()) g.output(`state/${kind}/${index}/next`, value);
  }
  return {
    model: serializeModel(g.toModel("optimizer")),
    initial: rule.state.map(({ initial }) => initial),
  };
}
