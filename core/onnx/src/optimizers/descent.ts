import { add, mul, sub } from "../arithmetic.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";

// What steps are made of. Where a gradient is a bare matrix product, one Gemm
// multiplies and adds, and the product is never stored.

/** beta w + d */
export function addScaled(g: GraphBuilder, gradient: Value, w: Value, beta: number): Value {
  return fused(g, gradient, w, { sign: 1, beta }) ?? add(g, gradient, mul(g, w, beta));
}

/** w - d */
export function subtract(g: GraphBuilder, w: Value, gradient: Value): Value {
  return fused(g, gradient, w, { sign: -1, beta: 1 }) ?? sub(g, w, gradient);
}

/** d + decay w, the gradient of the loss + decay/2 |w|². */
export function withDecay(g: GraphBuilder, gradient: Value, w: Value, decay: number): Value {
  return decay === 0 ? gradient : addScaled(g, gradient, w, decay);
}

/** The factor 1 - rate decay that shrinks a parameter in one step; nothing where there is no decay. */
export function shrinking(g: GraphBuilder, rate: Value, decay: number): (w: Value) => Value {
  if (decay === 0) return (w) => w;
  const factor = sub(g, 1, mul(g, rate, decay));
  return (w) => mul(g, w, factor);
}

function fused(
  g: GraphBuilder,
  gradient: Value,
  w: Value,
  { sign, beta }: { readonly sign: 1 | -1; readonly beta: number },
): Value | undefined {
  const producer = g.producerOf(gradient);
  if (producer?.op !== "Gemm" || producer.inputs.length > 2) return undefined;
  const [a, b] = producer.inputs;
  const { alpha = 1, ...rest } = producer.attributes;
  return g.node("Gemm", [a, b, w], { ...rest, alpha: sign * alpha, ...(beta !== 1 && { beta }) });
}
