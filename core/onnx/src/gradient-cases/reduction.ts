import { type GradientCase, type GradientCaseTable, integers, type Place } from "../gradient-case.ts";
import type { ReductionSignatures } from "../operators/reduction.ts";

export const reductionCases: GradientCaseTable<keyof ReductionSignatures> = {
  ReduceL1: reductions(),
  ReduceL2: reductions(),
  ReduceLogSum: reductions("positive"),
  ReduceLogSumExp: reductions(),
  ReduceMax: reductions("distinct"),
  ReduceMean: reductions(),
  ReduceMin: reductions("distinct"),
  ReduceProd: [
    ...reductions(),
    { name: "one factor of three zero", inputs: [[2, 3], integers([1])], attributes: {}, at: "zeros" },
    { name: "several zero", inputs: [[3, 3], integers([0, 1])], attributes: {}, at: "zeros" },
    {
      name: "a batch with zeros",
      inputs: [["n", 4], integers([-1])],
      sizes: { n: 3 },
      attributes: {},
      at: "zeros",
    },
  ],
  ReduceSum: reductions(),
  ReduceSumSquare: reductions(),
};

function reductions(at?: Place): readonly [GradientCase<"ReduceSum">, ...GradientCase<"ReduceSum">[]] {
  const where = at === undefined ? {} : { at };
  return [
    { name: "one axis kept", inputs: [[2, 3, 2], integers([1])], attributes: {}, ...where },
    {
      name: "axes dropped",
      inputs: [["n", 3, 2], integers([0, -1])],
      sizes: { n: 2 },
      attributes: { keepdims: 0 },
      ...where,
    },
    { name: "all axes", inputs: [["n", 3]], sizes: { n: 2 }, attributes: { keepdims: 0 }, ...where },
    { name: "none", inputs: [[2, 3]], attributes: { noop_with_empty_axes: 1 }, ...where },
  ];
}
