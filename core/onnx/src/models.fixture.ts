import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { encodeAttribute } from "./attributes.ts";
import { type ElementType, elementTypes } from "./element-type.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProto,
  type ValueInfoProtoSchema,
} from "./gen/onnx/onnx_pb.js";
import type { OnnxModel } from "./model.ts";
import type { AttributeKind, AttributeValue } from "./operator.ts";
import type { Shape } from "./shape.ts";
import { rawTensor } from "./tensor-proto.ts";

type NodeInit = MessageInitShape<typeof NodeProtoSchema>;

export interface ModelParts {
  readonly nodes: readonly NodeInit[];
  readonly initializers?: readonly TensorProto[];
  readonly inputs?: readonly MessageInitShape<typeof ValueInfoProtoSchema>[];
  readonly outputs?: readonly MessageInitShape<typeof ValueInfoProtoSchema>[];
  readonly opset?: number;
}

/** A model as an exporter might write it: `x` [batch, 6] to `y` [batch, 3] unless said otherwise. */
export function modelOf({ nodes, initializers = [], inputs, outputs, opset = 17 }: ModelParts): OnnxModel {
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: BigInt(opset) }],
    graph: {
      name: "fixture",
      node: [...nodes],
      initializer: [...initializers],
      input: [...(inputs ?? [value("x", ["batch", 6])])],
      output: [...(outputs ?? [value("y", ["batch", 3])])],
    },
  });
}

export function node(
  opType: string,
  input: readonly string[],
  output: string,
  attributes: Readonly<Record<string, readonly [AttributeKind, AttributeValue]>> = {},
): NodeInit {
  const attribute = Object.entries(attributes).map(([name, [kind, set]]) => encodeAttribute(name, kind, set));
  return { opType, name: `${output}/${opType}`, input: [...input], output: [output], attribute };
}

/** A graph in a node, such as `If`. */
export function branch(name: string, nodes: ModelParts["nodes"], output: string): AttributeProto {
  return create(AttributeProtoSchema, {
    name,
    type: AttributeProto_AttributeType.GRAPH,
    g: { node: [...nodes], output: [{ name: output }] },
  });
}

interface BodyParts {
  readonly inputs: readonly string[];
  readonly nodes: ModelParts["nodes"];
  readonly outputs: readonly string[];
}

/** A Loop. The body's nodes may read the names around it. */
export function loopNode(
  name: string,
  input: readonly string[],
  output: readonly string[],
  body: BodyParts,
): NodeInit {
  return { opType: "Loop", name, input: [...input], output: [...output], attribute: [bodyOf(body)] };
}

/** A Scan of so many sequences, which come after its states. */
export function scanNode(
  name: string,
  input: readonly string[],
  output: readonly string[],
  body: BodyParts,
  sequences: number,
): NodeInit {
  const attribute = [bodyOf(body), encodeAttribute("num_scan_inputs", "int", sequences)];
  return { opType: "Scan", name, input: [...input], output: [...output], attribute };
}

function bodyOf({ inputs, nodes, outputs }: BodyParts): AttributeProto {
  return create(AttributeProtoSchema, {
    name: "body",
    type: AttributeProto_AttributeType.GRAPH,
    g: {
      node: [...nodes],
      input: inputs.map((name) => ({ name })),
      output: outputs.map((name) => ({ name })),
    },
  });
}

export function constant(tensor: TensorProto, output: string): NodeInit {
  const attribute = { name: "value", type: AttributeProto_AttributeType.TENSOR, t: tensor };
  return { opType: "Constant", name: `${output}/Constant`, output: [output], attribute: [attribute] };
}

export function value(
  name: string,
  shape: Shape,
  type: ElementType = "float32",
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((size) =>
    typeof size === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(size) } }
      : { value: { case: "dimParam" as const, value: size } },
  );
  return {
    name,
    type: { value: { case: "tensorType", value: { elemType: elementTypes[type].code, shape: { dim } } } },
  };
}

export function floats(name: string, shape: readonly number[], values: readonly number[]): TensorProto {
  return rawTensor(name, "float32", shape, new Uint8Array(Float32Array.from(values).buffer));
}

export function integers(name: string, values: readonly number[]): TensorProto {
  return rawTensor(name, "int64", [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
}
