import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { elementTypes } from "./element-type.ts";
import {
  type TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./gen/onnx/onnx_pb.js";
import type { Value } from "./operator.ts";
import type { Dimension } from "./shape.ts";

/** What a graph declares of its inputs and outputs. */
export function valueInfo(value: Value): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name: value.name,
    type: {
      value: {
        case: "tensorType",
        value: { elemType: elementTypes[value.type].code, shape: { dim: value.shape.map(dimension) } },
      },
    },
  });
}

function dimension(size: Dimension): MessageInitShape<typeof TensorShapeProto_DimensionSchema> {
  return typeof size === "number"
    ? { value: { case: "dimValue", value: BigInt(size) } }
    : { value: { case: "dimParam", value: size } };
}
