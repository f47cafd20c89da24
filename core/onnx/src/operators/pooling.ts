import { type Flag, mismatch, type None, type OperatorTable, type Value } from "../operator.ts";
import { isStatic, type Shape } from "../shape.ts";
import { type WindowAttributes, windowsOf } from "../window.ts";

type PoolAttributes = WindowAttributes & { readonly kernel_shape: readonly number[] };

interface GlobalPool {
  readonly inputs: readonly [x: Value];
  readonly attributes: None;
}

/** The mean or the largest of each window over [batch, channels, ...spatial]. */
export interface PoolingSignatures {
  AveragePool: {
    inputs: readonly [x: Value];
    attributes: Omit<PoolAttributes, "dilations"> & { readonly count_include_pad?: Flag };
  };
  GlobalAveragePool: GlobalPool;
  GlobalMaxPool: GlobalPool;
  MaxPool: {
    inputs: readonly [x: Value];
    attributes: PoolAttributes & { readonly storage_order?: Flag };
  };
}

const poolAttributes = {
  auto_pad: "string",
  ceil_mode: "int",
  kernel_shape: "ints",
  pads: "ints",
  strides: "ints",
} as const;

export const poolingOperators: OperatorTable<PoolingSignatures> = {
  AveragePool: {
    arity: [1, 1],
    required: ["kernel_shape"],
    attributes: { ...poolAttributes, count_include_pad: "int" },
    infer: ([x], attributes) => ({ type: x.type, shape: pooled(x, attributes) }),
  },
  GlobalAveragePool: {
    arity: [1, 1],
    attributes: {},
    infer: ([x]) => ({ type: x.type, shape: globally(x) }),
  },
  GlobalMaxPool: { arity: [1, 1], attributes: {}, infer: ([x]) => ({ type: x.type, shape: globally(x) }) },
  MaxPool: {
    arity: [1, 1],
    required: ["kernel_shape"],
    attributes: { ...poolAttributes, dilations: "ints", storage_order: "int" },
    infer: ([x], attributes) => ({ type: x.type, shape: pooled(x, attributes) }),
  },
};

function pooled(x: Value, attributes: PoolAttributes): Shape {
  const windows = windowsOf(x, attributes.kernel_shape, attributes);
  return [...x.shape.slice(0, 2), ...windows.map(({ output }) => output)];
}

function globally(x: Value): Shape {
  const spatial: Shape = x.shape.slice(2);
  if (spatial.length === 0 || !isStatic(spatial)) throw mismatch("the spatial sizes must be fixed", x);
  return [...x.shape.slice(0, 2), ...spatial.map(() => 1)];
}
