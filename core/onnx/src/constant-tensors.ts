import { elementTypes } from "./element-type.ts";
import type { NodeProto, TensorProto } from "./gen/onnx/onnx_pb.js";
import { withInner } from "./live-protos.ts";
import type { OnnxModel } from "./model.ts";
import { copyFloats, elementCount } from "./tensor-proto.ts";

/**
 * The float32 initializers of at least one dimension that are none of a model's
 * parameters, by name, and why. A file does not say which are: so here is what
 * cannot be one.
 */
export function constantTensors({ graph }: OnnxModel): ReadonlyMap<string, string> {
  const uses = usesOf(withInner(graph?.node ?? []));
  return new Map(
    (graph?.initializer ?? []).flatMap((tensor): [string, string][] => {
      const isFloat = tensor.dataType === elementTypes.float32.code && tensor.dims.length > 0;
      const why = isFloat ? whyConstant(tensor, uses.get(tensor.name) ?? []) : undefined;
      return why === undefined ? [] : [[tensor.name, why]];
    }),
  );
}

/** Where a tensor is read. */
interface Use {
  readonly op: string;
  readonly position: number;
  /** Scales or shifts what was normalized: PyTorch's exporter writes nn.GroupNorm so, before operator set 21. */
  readonly isAffine: boolean;
}

function usesOf(nodes: readonly NodeProto[]): ReadonlyMap<string, Use[]> {
  const uses = new Map<string, Use[]>();
  const normalized = new Set<string>();
  for (const { opType: op, input, output } of nodes) {
    const follows = input.some((name) => normalized.has(name));
    const isAffine = follows && (op === "Mul" || op === "Add");
    if (op === "InstanceNormalization" || (follows && (op === "Reshape" || op === "Mul"))) {
      for (const name of output) normalized.add(name);
    }
    for (const [position, name] of input.entries()) {
      const known = uses.get(name);
      const use = { op, position, isAffine };
      if (known === undefined) uses.set(name, [use]);
      else known.push(use);
    }
  }
  return uses;
}

function whyConstant(tensor: TensorProto, uses: readonly Use[]): string | undefined {
  const isUsedAs = (positions: Positions): boolean =>
    uses.some(({ op, position }) => positions[op]?.includes(position));
  if (isUsedAs(settings)) return "it sets how an operator works";
  if (computed.test(tensor.name)) {
    const isWeight = isUsedAs(layers) || uses.some(({ isAffine }) => isAffine);
    return isWeight ? undefined : "the exporter computed it";
  }
  if (isUsedAs(layers) || isUsedAs(scales)) return undefined;
  return isMask(tensor) ? "it is a mask" : undefined;
}

/** Of two axes or more, with nothing but zeros and what no softmax lets through: no training leads there. */
function isMask(tensor: TensorProto): boolean {
  if (tensor.dims.length < 2) return false;
  const values = new Float32Array(elementCount(tensor));
  copyFloats(tensor, values);
  const least = values.reduce((smallest, value) => Math.min(smallest, value), 0);
  return least <= maskedMost && values.every((value) => value === 0 || value === least);
}

/** What is added to a score that is to count for nothing: between this and minus infinity. */
const maskedMost = -1e4;

/** By operator, which inputs say how it works. */
const settings: Positions = { Clip: [1, 2], Dropout: [1], Pad: [2], Resize: [1, 2] };

/** By operator, which inputs are weights, also as an exporter turned or put them together. */
const layers: Positions = {
  // Running statistics, which other tools name "mean".
  BatchNormalization: [3, 4],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Einsum: [0, 1],
  GRU: [1, 2, 3],
  Gather: [0],
  Gemm: [0, 1, 2],
  LSTM: [1, 2, 3, 7],
  MatMul: [0, 1],
  PRelu: [1],
  RNN: [1, 2, 3],
};

/** And which are under names of their own: ones and zeros that an exporter computed stand for none. */
const scales: Positions = {
  BatchNormalization: [1, 2, 3, 4],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  RMSNormalization: [1],
};

type Positions = Readonly<Record<string, readonly number[]>>;

/**
 * Names that PyTorch's exporters give to what they computed: transposed weights, and constants. The newer one
 * names what a function of PyTorch gives after it: the cosines of rotary positions are "cos".
 */
const functions = [
  "_to_copy|_unsafe_view|abs|add|arange|cat|clone|cos|cumsum|div|exp|expand|full|full_like|lift_fresh_copy|linspace",
  "log|masked_fill|mean|mul|neg|ones|ones_like|outer|permute|pow|reciprocal|repeat|reshape|rsqrt|select|sin|slice",
  "sqrt|stack|sub|sum|tril|triu|unsqueeze|view|where|zeros|zeros_like",
];
const computed = new RegExp(`^(val_\\d+|onnx::\\w+|(${functions.join("|")})(_\\d+)?)$`);
