import { add, mul } from "../arithmetic.ts";
import type { CompositionTable } from "../composition.ts";
import { checkConstantSize } from "../constant-size.ts";
import { unsqueeze } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { type Flag, mismatch, TypeMismatch, type Value } from "../operator.ts";

export interface AttentionCompositions {
  Attention: {
    inputs: readonly [
      query: Value,
      key: Value,
      value: Value,
      mask?: Value,
      pastKey?: Value,
      pastValue?: Value,
    ];
    attributes: {
      readonly is_causal?: Flag;
      readonly kv_num_heads?: number;
      readonly q_num_heads?: number;
      readonly qk_matmul_output_mode?: number;
      readonly scale?: number;
      readonly softcap?: number;
      readonly softmax_precision?: number;
    };
  };
}

export const attentionCompositions: CompositionTable<AttentionCompositions> = {
  // softmax(s q kᵀ + mask) v, for each head (Vaswani et al. 2017)
  Attention: {
    arity: [3, 6],
    attributes: {
      is_causal: "int",
      kv_num_heads: "int",
      q_num_heads: "int",
      qk_matmul_output_mode: "int",
      scale: "float",
      softcap: "float",
      softmax_precision: "int",
    },
    compose: (g, [query, key, value, mask, ...past], attributes) => {
      if (past.some((each) => each !== undefined)) throw new TypeMismatch("it goes on from keys of the past");
      if ((attributes.softcap ?? 0) !== 0) throw new TypeMismatch("its scores are capped");
      const q = byHeads(g, query, attributes.q_num_heads);
      const count = Number(q.shape[1]);
      const k = repeated(g, byHeads(g, key, attributes.kv_num_heads), count);
      const v = repeated(g, byHeads(g, value, attributes.kv_num_heads), count);
      const { scale = 1 / Math.sqrt(Number(q.shape[3])) } = attributes;
      const turned = g.node("Transpose", [k], { perm: [0, 1, 3, 2] });
      const scores = g.node("MatMul", [mul(g, q, scale), turned], {});
      const bounded = attributes.is_causal === 1 ? added(g, scores, pastMask(g, scores)) : scores;
      const weights = g.node("Softmax", [added(g, bounded, mask)], { axis: -1 });
      const seen = g.node("MatMul", [weights, v], {});
      if (query.shape.length === 4) return seen;
      const together = g.node("Transpose", [seen], { perm: [0, 2, 1, 3] });
      return g.node("Reshape", [together, g.integers(0, 0, count * Number(seen.shape[3]))], {});
    },
  },
};

/** [batch, heads, length, size], of [batch, length, heads * size] where it is not so already. */
function byHeads(g: GraphBuilder, x: Value, heads: number | undefined): Value {
  const [, , width, size] = x.shape;
  if (x.shape.length === 4 && typeof size === "number") return x;
  if (x.shape.length !== 3 || typeof width !== "number" || heads === undefined || width % heads !== 0) {
    throw mismatch(`it is not of ${heads ?? "so many"} heads`, x);
  }
  const apart = g.node("Reshape", [x, g.integers(0, 0, heads, width / heads)], {});
  return g.node("Transpose", [apart], { perm: [0, 2, 1, 3] });
}

/** Each head of the keys for as many heads of the queries, one after the other. */
function repeated(g: GraphBuilder, x: Value, count: number): Value {
  const [, heads, length, size] = x.shape;
  if (heads === count) return x;
  if (typeof heads !== "number" || typeof length !== "number" || count % heads !== 0) {
    throw mismatch(`its heads do not fit ${count}`, x);
  }
  const times = g.integers(1, 1, count / heads, 1, 1);
  const expanded = g.node("Expand", [unsqueeze(g, x, 2), times], {});
  return g.node("Reshape", [expanded, g.integers(0, count, length, Number(size))], {});
}

/** True where a place may be seen: up to its own. */
function pastMask(g: GraphBuilder, scores: Value): Value {
  const [rows, columns] = scores.shape.slice(-2);
  if (typeof rows !== "number" || typeof columns !== "number") {
    throw mismatch("the sequences must have a fixed length", scores);
  }
  checkConstantSize(rows * columns);
  const visible = Int32Array.from({ length: rows * columns }, (_, index) =>
    Number(index % columns <= Math.floor(index / columns)),
  );
  return g.node("Greater", [g.constant(visible, [rows, columns]), g.constant(Int32Array.of(0), [])], {});
}

/** A mask is added, or says what counts. */
function added(g: GraphBuilder, scores: Value, mask: Value | undefined): Value {
  if (mask === undefined) return scores;
  if (mask.type !== "bool") return add(g, scores, mask);
  return g.node("Where", [mask, scores, g.scalar(Number.NEGATIVE_INFINITY, scores.type)], {});
}
