import { axisOf, type OperatorSpec, type OperatorTable, type Value } from "../operator.ts";

interface Softmax {
  readonly inputs: readonly [x: Value];
  readonly attributes: { readonly axis?: number };
}

export interface NormalizationSignatures {
  LogSoftmax: Softmax;
  Softmax: Softmax;
}

export const normalizationOperators: OperatorTable<NormalizationSignatures> = {
  LogSoftmax: softmax(),
  Softmax: softmax(),
};

function softmax(): OperatorSpec<Softmax> {
  return {
    arity: [1, 1],
    attributes: { axis: "int" },
    infer: ([x], { axis = -1 }) => {
      axisOf(axis, x.shape.length);
      return { type: x.type, shape: x.shape };
    },
  };
}
