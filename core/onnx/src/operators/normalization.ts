import {
  axisOf,
  type Flag,
  mismatch,
  type OperatorSpec,
  type OperatorTable,
  sameType,
  type Value,
} from "../operator.ts";

interface Softmax {
  readonly inputs: readonly [x: Value];
  readonly attributes: { readonly axis?: number };
}

export interface NormalizationSignatures {
  /**
   * As we emit it; a model's own is a composition. With training_mode 1 and momentum 0 it goes by the moments of the
   * batch, which are its second and third output.
   */
  BatchNormalization: {
    readonly inputs: readonly [x: Value, scale: Value, bias: Value, mean: Value, variance: Value];
    readonly attributes: { readonly epsilon: number; readonly momentum?: 0; readonly training_mode?: Flag };
  };
  LogSoftmax: Softmax;
  Softmax: Softmax;
}

export const normalizationOperators: OperatorTable<NormalizationSignatures> = {
  BatchNormalization: {
    arity: [5, 5],
    attributes: { epsilon: "float", momentum: "float", training_mode: "int" },
    infer: ([x, ...ofChannels]) => {
      const [, channels] = x.shape;
      const wrong = ofChannels.find(({ shape }) => shape.length !== 1 || shape[0] !== channels);
      if (wrong !== undefined) throw mismatch("scale and moments are one number for each channel", x, wrong);
      return { type: sameType(x, ...ofChannels), shape: x.shape };
    },
  },
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
