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
}

function usesOf(nodes: readonly NodeProto[]): ReadonlyMap<string, Use[]> {
  const uses = new Map<string, Use[]>();
  for (const { opType: op, input } of nodes) {
    for (const [position, name] of input.entries()) {
      const known = uses.get(name);
      if (known === undefined) uses.set(name, [{ op, position }]);
      else known.push({ op, position });
    }
  }
  return uses;
}

function whyConstant(tensor: TensorProto, uses: readonly Use[]): string | undefined {
  const isUsedAs = (positions: Positions): boolean =>
    uses.some(({ op, position }) => positions[op]?.includes(position));
  if (isUsedAs(settings)) return "it sets how an operator works";
  if (isUsedAs(weights)) return undefined;
  if (computed.test(tensor.name)) return "the exporter computed it";
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

/** By operator, which inputs are weights. */
const weights: Positions = {
  BatchNormalization: [1, 2, 3, 4],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Einsum: [0, 1],
  GRU: [1, 2, 3],
  Gather: [0],
  Gemm: [0, 1, 2],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LSTM: [1, 2, 3, 7],
  LayerNormalization: [1, 2],
  MatMul: [0, 1],
  PRelu: [1],
  RMSNormalization: [1],
  RNN: [1, 2, 3],
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
