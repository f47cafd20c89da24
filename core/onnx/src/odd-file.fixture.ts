import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { elementTypes } from "./element-type.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "./gen/onnx/onnx_pb.js";
import { modelOf, node, value } from "./models.fixture.ts";

/** How the format lets a tensor's values be written: all of these say the same. */
export const storageForms = ["raw", "raw twice", "packed", "unpacked", "in parts"] as const;

export interface OddFile {
  readonly weight: (typeof storageForms)[number];
  readonly bias: (typeof storageForms)[number];
  /** The values before the name and shape that they belong to. */
  readonly isReversed: boolean;
  /** The graph in two messages, which readers have to merge. */
  readonly isSplit: boolean;
  /** What no reader knows: a field of this much at each level. */
  readonly unknown: Uint8Array;
}

/** Of `oddFile`: a weight [2, 3] and a bias [3]. */
export const oddFileParameters = 9;

/**
 * An ONNX file as no exporter we know writes it, and every reader must take it:
 * y = x · w + b for x [batch, 2].
 *
 * @param values w in row-major order, then b
 */
export function oddFile(
  { weight, bias, isReversed, isSplit, unknown }: OddFile,
  values: Float32Array,
): Uint8Array {
  const plain = modelOf({
    nodes: [node("MatMul", ["x", "w"], "xw"), node("Add", ["xw", "b"], "y")],
    inputs: [value("x", ["batch", 2])],
  });
  const { name, node: nodes, input, output, initializer } = GraphProtoSchema.field;
  const { graph, ...header } = plain;
  const tensor = (form: OddFile["weight"], name: string, shape: readonly number[], floats: Float32Array) => {
    const head = tensorHead(name, shape);
    const content = floatsAs(form, floats);
    return join(...(isReversed ? [content, head] : [head, content]), field(unknownField, unknown));
  };
  const first = join(
    ...(graph?.node ?? []).map((one) => field(nodes.number, toBinary(NodeProtoSchema, one))),
    field(initializer.number, tensor(weight, "w", [2, 3], values.subarray(0, 6))),
    field(unknownField, unknown),
  );
  const second = join(
    field(initializer.number, tensor(bias, "b", [3], values.subarray(6))),
    ...(graph?.input ?? []).map((one) => field(input.number, toBinary(ValueInfoProtoSchema, one))),
    ...(graph?.output ?? []).map((one) => field(output.number, toBinary(ValueInfoProtoSchema, one))),
    field(name.number, Buffer.from("odd")),
  );
  const graphs = (isSplit ? [first, second] : [join(first, second)]).map((part) =>
    field(ModelProtoSchema.field.graph.number, part),
  );
  const producer = field(ModelProtoSchema.field.producerName.number, Buffer.from("somebody else"));
  return join(producer, ...graphs, field(unknownField, unknown), toBinary(ModelProtoSchema, header));
}

function tensorHead(name: string, shape: readonly number[]): Uint8Array {
  const { dims, dataType, name: nameField } = TensorProtoSchema.field;
  const head = new BinaryWriter();
  // Repeated, but not packed, as proto2 writes it.
  for (const size of shape) head.tag(dims.number, WireType.Varint).int64(size);
  head.tag(dataType.number, WireType.Varint).int32(elementTypes.float32.code);
  head.tag(nameField.number, WireType.LengthDelimited).string(name);
  return head.finish();
}

function floatsAs(form: OddFile["weight"], floats: Float32Array): Uint8Array {
  const { rawData, floatData } = TensorProtoSchema.field;
  const bytes = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  const unpacked = (part: Float32Array): Uint8Array => {
    const writer = new BinaryWriter();
    for (const one of part) writer.tag(floatData.number, WireType.Bit32).float(one);
    return writer.finish();
  };
  switch (form) {
    case "raw":
      return field(rawData.number, bytes);
    case "raw twice":
      // The last of a field counts.
      return join(
        field(
          rawData.number,
          bytes.map(() => 0xff),
        ),
        field(rawData.number, bytes),
      );
    case "packed":
      return field(floatData.number, bytes);
    case "unpacked":
      return unpacked(floats);
    case "in parts":
      return join(unpacked(floats.subarray(0, 1)), field(floatData.number, bytes.subarray(4)));
  }
}

function field(number: number, content: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(content).finish();
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Far above those that the standard uses. */
const unknownField = 20_000;
