import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
} from "./gen/onnx/onnx_pb.js";
import type { AttributeKind, AttributeValue } from "./operator.ts";

export function encodeAttribute(name: string, kind: AttributeKind, value: AttributeValue): AttributeProto {
  switch (kind) {
    case "int":
      return create(AttributeProtoSchema, {
        name,
        type: AttributeProto_AttributeType.INT,
        i: BigInt(Number(value)),
      });
    case "float":
      return create(AttributeProtoSchema, {
        name,
        type: AttributeProto_AttributeType.FLOAT,
        f: Number(value),
      });
    case "ints": {
      const ints = [value].flat().map(BigInt);
      return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints });
    }
    case "strings": {
      const strings = [value].flat().map((text) => new TextEncoder().encode(String(text)));
      return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRINGS, strings });
    }
    case "string": {
      const bytes = new TextEncoder().encode(String(value));
      return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRING, s: bytes });
    }
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
    case "strings":
      return attribute.type === AttributeProto_AttributeType.STRINGS
        ? attribute.strings.map((text) => new TextDecoder().decode(text))
        : undefined;
    case "string":
      return attribute.type === AttributeProto_AttributeType.STRING
        ? new TextDecoder().decode(attribute.s)
        : undefined;
  }
}
