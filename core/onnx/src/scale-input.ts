import { create } from "@bufbuild/protobuf";
import { SelvedgeError } from "@selvedge/protocol";
import type { InputScaling } from "./batch-data.ts";
import { describeModel } from "./describe-model.ts";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from "./gen/onnx/onnx_pb.js";
import type { OnnxModel } from "./model.ts";
import { rawTensor } from "./tensor-proto.ts";

/**
 * The same model for inputs as they are in the data: its first nodes become
 * `(input - offsets) * factors`. Offsets and factors are constants, not
 * initializers, so that they are no parameters when the model is trained again.
 *
 * @param model of one input [batch, ...]; its subgraphs do not read that input
 * @throws SelvedgeError `failed_precondition` when the scaling is of another number of values
 */
export function scaleInput(model: OnnxModel, scaling: InputScaling): OnnxModel {
  const { graph } = model;
  const [input, ...more] = describeModel(model).inputs;
  if (graph === undefined || input === undefined || more.length > 0) {
    throw new SelvedgeError("unsupported", "only a model of one input can be given a scaling");
  }
  const [, ...shape] = input.shape;
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (size !== scaling.offsets.length || size !== scaling.factors.length) {
    throw new SelvedgeError(
      "failed_precondition",
      `the model takes [${shape.join(", ")}], the scaling is of ${scaling.offsets.length} numbers`,
    );
  }
  const name = freshNames(model, input.name);
  const first = [
    constantNode(name("offsets"), shape, scaling.offsets),
    constantNode(name("factors"), shape, scaling.factors),
    node("Sub", [input.name, name("offsets")], name("moved")),
    node("Mul", [name("moved"), name("factors")], name("scaled")),
  ];
  const rest = graph.node.map((one) => ({
    ...one,
    input: one.input.map((read) => (read === input.name ? name("scaled") : read)),
  }));
  return { ...model, graph: { ...graph, node: [...first, ...rest] } };
}

/** `<input>/<part>`, or with as many dashes behind it as make it new. */
function freshNames({ graph }: OnnxModel, input: string): (part: string) => string {
  const taken = new Set([
    ...(graph?.initializer ?? []).map((tensor) => tensor.name),
    ...(graph?.node ?? []).flatMap((one) => [...one.input, ...one.output]),
    ...(graph?.output ?? []).map((value) => value.name),
  ]);
  return (part) => {
    let name = `${input}/${part}`;
    while (taken.has(name)) name += "-";
    return name;
  };
}

function node(opType: string, inputs: readonly string[], output: string): NodeProto {
  return create(NodeProtoSchema, { opType, name: output, input: [...inputs], output: [output] });
}

function constantNode(name: string, shape: readonly number[], values: Float32Array): NodeProto {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const constant = node("Constant", [], name);
  const type = AttributeProto_AttributeType.TENSOR;
  const t = rawTensor(name, "float32", shape, bytes);
  constant.attribute.push(create(AttributeProtoSchema, { name: "value", type, t }));
  return constant;
}
