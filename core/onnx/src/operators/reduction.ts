import {
  axesOf,
  constantInput,
  type Flag,
  type OperatorSpec,
  type OperatorTable,
  type Value,
} from "../operator.ts";
import type { Shape } from "../shape.ts";

/** Without axes all of them are reduced, unless `noop_with_empty_axes`. */
interface Reduction {
  readonly inputs: readonly [x: Value, axes?: Value];
  readonly attributes: { readonly keepdims?: Flag; readonly noop_with_empty_axes?: Flag };
}

export interface ReductionSignatures {
  ReduceL1: Reduction;
  ReduceL2: Reduction;
  ReduceLogSum: Reduction;
  ReduceLogSumExp: Reduction;
  ReduceMax: Reduction;
  ReduceMean: Reduction;
  ReduceMin: Reduction;
  ReduceProd: Reduction;
  ReduceSum: Reduction;
  ReduceSumSquare: Reduction;
}

export const reductionOperators: OperatorTable<ReductionSignatures> = {
  ReduceL1: reduction(),
  ReduceL2: reduction(),
  ReduceLogSum: reduction(),
  ReduceLogSumExp: reduction(),
  ReduceMax: reduction(),
  ReduceMean: reduction(),
  ReduceMin: reduction(),
  ReduceProd: reduction(),
  ReduceSum: reduction(),
  ReduceSumSquare: reduction(),
};

function reduction(): OperatorSpec<Reduction> {
  return {
    arity: [1, 2],
    attributes: { keepdims: "int", noop_with_empty_axes: "int" },
    infer: ([x, axes], attributes, graph) => {
      const constant = axes && constantInput(axes, "axes", graph);
      return {
        type: x.type,
        shape: reduced(x.shape, reducedAxes(x, constant, attributes), attributes.keepdims),
      };
    },
  };
}

/** The axes a reduction sums over, counted from the front. */
export function reducedAxes(
  x: Value,
  axes: readonly number[] | undefined,
  { noop_with_empty_axes: noop = 0 }: Reduction["attributes"],
): readonly number[] {
  const all = axes === undefined || axes.length === 0;
  return all ? (noop ? [] : [...x.shape.keys()]) : axesOf(axes, x.shape.length);
}

export function reduced(shape: Shape, axes: readonly number[], keepdims: Flag = 1): Shape {
  return shape.flatMap((dimension, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [dimension]));
}
