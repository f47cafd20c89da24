import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
} from "./gen/onnx/onnx_pb.js";
import type { AttributeKind, AttributeValue } from "./operators.ts";

export function encodeAttribute(name: string, kind: AttributeKind, value: AttributeValue): AttributeProto {
  const list = typeof value === "number" ? [value] : value;
  const [first = 0] = list;
  switch (kind) {
    case "int":
      return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(first) });
    case "float":
      return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: first });
    case "ints":
      return create(AttributeProtoSchema, {
        name,
        type: AttributeProto_AttributeType.INTS,
        ints: list.map(BigInt),
      });
  }
}

/** The value of an attribute that is declared to be of this kind, or undefined if the file has another. */
export function decodeAttribute(attribute: AttributeProto, kind: AttributeKind): AttributeValue | undefined {
  switch (kind) {
    case "int":
      return attribute.type === AttributeProto_AttributeType.INT ? Number(attribute.i) : undefined;
    case "float":
      return attribute.type === AttributeProto_AttributeType.FLOAT ? attribute.f : undefined;
    case "ints":
      return attribute.type === AttributeProto_AttributeType.INTS ? attribute.ints.map(Number) : undefined;
  }
}
