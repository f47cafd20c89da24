import { cast } from "./arithmetic.ts";
import { elementTypeOf } from "./element-type.ts";
import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import type { GraphBuilder } from "./graph-builder.ts";
import { TypeMismatch, type Value } from "./operator.ts";
import { dimensionsOf, int64sOf, numbersOf } from "./tensor-proto.ts";

/** A tensor of a file in a graph. @throws TypeMismatch for an element type that is not known */
export function constantFrom(graph: GraphBuilder, tensor: TensorProto): Value {
  const shape = dimensionsOf(tensor);
  const type = elementTypeOf(tensor.dataType);
  switch (type) {
    case "float32":
      return graph.constant(Float32Array.from(numbersOf(tensor)), shape);
    case "float64":
      return graph.constant(Float64Array.from(numbersOf(tensor)), shape);
    case "int32":
      return graph.constant(Int32Array.from(numbersOf(tensor)), shape);
    case "int64":
      return graph.constant(int64sOf(tensor), shape);
    case "bool":
      return cast(graph, graph.constant(Int32Array.from(numbersOf(tensor)), shape), "bool");
    default:
      throw new TypeMismatch(`constants of element type ${type ?? tensor.dataType} are not known`);
  }
}
