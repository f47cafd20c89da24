import { SelvedgeError } from "@selvedge/protocol";
import { add, div, mul, square, sub } from "./arithmetic.ts";
import { sumAll } from "./gradient-families.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./operator.ts";
import { addScaled } from "./optimizers/descent.ts";
import type { ParameterSlot } from "./parameters.ts";

/** What is done to the gradient of the loss before the optimizer gets it, in this order. */
export interface GradientTerms {
  /**
   * Adds x (w - anchor), the gradient of x/2 |w - anchor|²: FedProx's proximal
   * term (Li et al., 2020), and with a correction FedDyn's (Acar et al., 2021).
   */
  readonly proximal?: number;
  /**
   * Adds a gradient that stays the same for the whole training and is an input:
   * SCAFFOLD's c - cᵢ (Karimireddy et al., 2020), FedDyn's -hᵢ.
   */
  readonly correction?: boolean;
  /** Bounds every element to -x..x. */
  readonly clipValue?: number;
  /** Scales all gradients together so that their common L2 norm is at most x. */
  readonly clipNorm?: number;
}

/** Inputs that terms need, one per parameter that is trained, in the order of the slots. */
export interface TermInputs {
  readonly anchors: readonly Value[];
  readonly corrections: readonly Value[];
}

/** @throws SelvedgeError `invalid_argument` for a bound or weight that is none */
export function termInputs(
  g: GraphBuilder,
  { proximal, correction, clipValue, clipNorm }: GradientTerms,
  slots: readonly ParameterSlot[],
): TermInputs {
  for (const [name, value] of Object.entries({ proximal, clipValue, clipNorm })) {
    if (value === undefined || (Number.isFinite(value) && value > 0)) continue;
    throw new SelvedgeError("invalid_argument", `${name} is ${value}`, { fix: "give a number above 0" });
  }
  const inputs = (kind: string): Value[] =>
    slots.map(({ name, shape }) => g.input(`${kind}/${name}`, "float32", shape));
  return {
    anchors: proximal === undefined ? [] : inputs("anchor"),
    corrections: correction === true ? inputs("correction") : [],
  };
}

/** Whether gradients are bounded; then they must not have been multiplied by anything before. */
export function isClipped({ clipValue, clipNorm }: GradientTerms): boolean {
  return clipValue !== undefined || clipNorm !== undefined;
}

/**
 * Emits the terms.
 *
 * @param gradients of the mean loss, times `scale` where they are not clipped; undefined where there is none
 * @param scale a scalar that the results are multiplied by
 */
export function applyTerms(
  g: GraphBuilder,
  terms: GradientTerms,
  { anchors, corrections }: TermInputs,
  parameters: readonly Value[],
  gradients: readonly (Value | undefined)[],
  scale: Value | undefined,
): (Value | undefined)[] {
  const inner = isClipped(terms) ? undefined : scale;
  const whole = gradients.map((gradient, index) => {
    const [w, anchor, correction] = [parameters[index], anchors[index], corrections[index]];
    if (gradient === undefined || w === undefined) return undefined;
    const pulled =
      anchor && terms.proximal !== undefined
        ? mul(g, sub(g, w, anchor), inner === undefined ? terms.proximal : mul(g, inner, terms.proximal))
        : undefined;
    const pushed = correction && inner !== undefined ? mul(g, correction, inner) : correction;
    const extra = pulled && pushed ? add(g, pulled, pushed) : (pulled ?? pushed);
    return extra === undefined ? gradient : addScaled(g, gradient, extra, 1);
  });
  return isClipped(terms) ? clipped(g, terms, whole, scale) : whole;
}

function clipped(
  g: GraphBuilder,
  { clipValue, clipNorm }: GradientTerms,
  gradients: readonly (Value | undefined)[],
  scale: Value | undefined,
): (Value | undefined)[] {
  const bounded = gradients.map((gradient) =>
    gradient === undefined || clipValue === undefined
      ? gradient
      : g.node(
          "Clip",
          [gradient, g.scalar(-clipValue, gradient.type), g.scalar(clipValue, gradient.type)],
          {},
        ),
  );
  const shrink =
    clipNorm === undefined
      ? undefined
      : shrinkTo(
          g,
          clipNorm,
          bounded.flatMap((each) => each ?? []),
        );
  const factor = shrink && scale ? mul(g, shrink, scale) : (shrink ?? scale);
  return bounded.map((gradient) => (gradient && factor ? mul(g, gradient, factor) : gradient));
}

/** min(1, norm/|dw|), the norm being that of all gradients together; as PyTorch's clip_grad_norm_. */
function shrinkTo(g: GraphBuilder, norm: number, gradients: readonly Value[]): Value | undefined {
  const squares = gradients.map((gradient) => sumAll(g, square(g, gradient)));
  const [first, ...rest] = squares;
  if (first === undefined) return undefined;
  const total = g.node("Sqrt", [rest.reduce((sum, each) => add(g, sum, each), first)], {});
  const ratio = div(g, g.scalar(norm, total.type), add(g, total, 1e-6));
  return g.node("Min", [ratio, g.scalar(1, ratio.type)], {});
}
