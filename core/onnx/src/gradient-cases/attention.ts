import type { AttentionCompositions } from "../compositions/attention.ts";
import { booleans, type GradientCaseTable } from "../gradient-case.ts";

const sizes = { n: 2 };

export const attentionCases: GradientCaseTable<keyof AttentionCompositions> = {
  Attention: [
    {
      name: "two heads in one axis",
      inputs: [
        ["n", 3, 4],
        ["n", 2, 4],
        ["n", 2, 6],
      ],
      sizes,
      attributes: {
        q_num_heads: 2,
        kv_num_heads: 2,
        softcap: 0,
        softmax_precision: 1,
        qk_matmul_output_mode: 0,
      },
    },
    {
      name: "causal, scaled",
      inputs: [
        ["n", 2, 3, 2],
        ["n", 2, 3, 2],
        ["n", 2, 3, 2],
      ],
      sizes,
      attributes: { is_causal: 1, scale: 0.4 },
    },
    {
      name: "a mask that is added, keys that several queries share",
      inputs: [
        [2, 4, 2, 2],
        [2, 2, 3, 2],
        [2, 2, 3, 2],
        [2, 3],
      ],
      attributes: {},
    },
    {
      name: "a mask of what counts",
      inputs: [["n", 2, 2, 2], ["n", 2, 3, 2], ["n", 2, 3, 2], booleans([1, 1, 0, 0, 1, 1], [2, 3])],
      sizes,
      attributes: {},
    },
  ],
};
