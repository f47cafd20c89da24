import { mul } from "../arithmetic.ts";
import type { Value } from "../operator.ts";
import { type Layers, sizeAt } from "./layers.ts";

/** One layer of a transformer, normalized before each half (Xiong et al. 2020, "On Layer Normalization …"). */
export function transformerBlock(l: Layers, x: Value, heads: number, name: string, mask?: Value): Value {
  const attended = l.add(x, attention(l, l.layerNorm(x, `${name}.norm1`), heads, `${name}.attention`, mask));
  const hidden = l.gelu(l.linear(l.layerNorm(attended, `${name}.norm2`), 4 * sizeAt(x, 2), `${name}.fc1`));
  return l.add(attended, l.linear(hidden, sizeAt(x, 2), `${name}.fc2`));
}

/**
 * Self-attention with several heads (Vaswani et al. 2017, "Attention Is All You
 * Need", 3.2): softmax(q kᵀ/√d) v for each.
 *
 * @param x [batch, steps, width]; the width is a multiple of the number of heads
 * @param mask [steps, steps], added to the scores of each step for every other
 */
function attention(l: Layers, x: Value, heads: number, name: string, mask: Value | undefined): Value {
  const { g } = l;
  const [steps, width] = [sizeAt(x, 1), sizeAt(x, 2)];
  const each = (role: string, perm: readonly number[]): Value => {
    const projected = l.linear(x, width, `${name}.${role}`);
    const apart = g.node("Reshape", [projected, g.integers(0, steps, heads, width / heads)], {});
    return g.node("Transpose", [apart], { perm });
  };
  const query = each("query", [0, 2, 1, 3]);
  const key = each("key", [0, 2, 3, 1]);
  const value = each("value", [0, 2, 1, 3]);
  const scores = mul(g, g.node("MatMul", [query, key], {}), Math.sqrt(heads / width));
  const weights = g.node("Softmax", [mask === undefined ? scores : l.add(scores, mask)], { axis: -1 });
  const mixed = g.node("Transpose", [g.node("MatMul", [weights, value], {})], { perm: [0, 2, 1, 3] });
  const together = g.node("Reshape", [mixed, g.integers(0, steps, width)], {});
  return l.linear(together, width, `${name}.output`);
}
