import { create } from "@bufbuild/protobuf";
import { encodeAttribute } from "../attributes.ts";
import { evaluationMode } from "../composition.ts";
import { elementTypes } from "../element-type.ts";
import { emitNode } from "../emit-node.ts";
import {
  AttributeProto_AttributeType,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from "../gen/onnx/onnx_pb.js";
import type { GraphBuilder } from "../graph-builder.ts";
import type { AttributeKind, AttributeValue, Value } from "../operator.ts";
import { rawTensor } from "../tensor-proto.ts";
import type { ScanCase } from "./scan.ts";

/** Loops and scans of files, as their exporters write them, whose gradients are checked by all inputs. */
export const loopCases: readonly ScanCase[] = [
  {
    // y₍ₜ₊₁₎ = tanh(xₜ + yₜ w), t = 3, 2, 1, 0 from a counter that the condition reads
    name: "Loop: a counter that goes down and says where it ends, over the second axis",
    inputs: [
      [2, 3],
      [2, 4, 3],
      [3, 3],
    ],
    emit: (g, inputs) =>
      emitted(
        g,
        inputs,
        { start: 3 },
        [
          loop(["", "", "start", "input0"], ["last", "final", "all"], {
            inputs: ["i", "c", "place", "h"],
            initializers: [integer("one", 1), integer("zero", 0)],
            nodes: [
              node("Sub", ["place", "one"], ["next"]),
              node("GreaterOrEqual", ["next", "zero"], ["goes"]),
              node("Gather", ["input1", "place"], ["x"], { axis: ["int", 1] }),
              node("MatMul", ["h", "input2"], ["product"]),
              node("Add", ["product", "x"], ["sum"]),
              node("Tanh", ["sum"], ["y"]),
              node("Mul", ["y", "x"], ["out"]),
            ],
            outputs: ["goes", "next", "y", "out"],
          }),
        ],
        ["final", "all"],
      ),
  },
  {
    name: "Loop: what no iteration changes, a place that moves by two, and numbers of each iteration",
    inputs: [[2, 3], [5, 2, 3], [3]],
    emit: (g, inputs) => {
      const body = {
        inputs: ["i", "c", "h", "scale"],
        nodes: [
          node("Mul", ["i", "two"], ["place"]),
          node("Gather", ["input1", "place"], ["x"]),
          node("Exp", ["scale"], ["factor"]),
          node("Mul", ["x", "factor"], ["scaled"]),
          node("Cast", ["i"], ["number"], { to: ["int", elementTypes.float64.code] }),
          node("Mul", ["h", "number"], ["grown"]),
          node("Add", ["grown", "scaled"], ["moved"]),
          node("Tanh", ["moved"], ["bent"]),
        ],
        outputs: ["c", "bent", "scale"],
      };
      const nodes = [loop(["trips", "", "input0", "input2"], ["final", "same"], body)];
      return emitted(g, inputs, { trips: 3, two: 2 }, nodes, ["final", "same"]);
    },
  },
  {
    name: "Scan: two sequences along different axes, one of them backwards, stacked backwards along the last axis",
    inputs: [
      [2, 3],
      [2, 4, 3],
      [4, 3],
    ],
    emit: (g, inputs) => {
      const body = {
        inputs: ["h", "x", "gate"],
        nodes: [
          node("Mul", ["h", "gate"], ["kept"]),
          node("Add", ["kept", "x"], ["sum"]),
          node("Tanh", ["sum"], ["next"]),
          node("Mul", ["next", "x"], ["out"]),
        ],
        outputs: ["next", "out"],
      };
      const scan = withBody("Scan", ["input0", "input1", "input2"], ["final", "all"], body, {
        num_scan_inputs: ["int", 2],
        scan_input_axes: ["ints", [1, 0]],
        scan_input_directions: ["ints", [0, 1]],
        scan_output_axes: ["ints", [-1]],
        scan_output_directions: ["ints", [1]],
      });
      return emitted(g, inputs, {}, [scan], ["final", "all"]);
    },
  },
];

type Attributes = Readonly<Record<string, readonly [AttributeKind, AttributeValue]>>;

interface Body {
  readonly inputs: readonly string[];
  readonly initializers?: readonly TensorProto[];
  readonly nodes: readonly NodeProto[];
  readonly outputs: readonly string[];
}

function emitted(
  g: GraphBuilder,
  inputs: readonly Value[],
  integers: Readonly<Record<string, number>>,
  nodes: readonly NodeProto[],
  outputs: readonly string[],
): readonly Value[] {
  const values = new Map(inputs.map((value, index) => [`input${index}`, value]));
  for (const [name, value] of Object.entries(integers)) values.set(name, g.integer(value));
  for (const each of nodes) emitNode(g, each, values, evaluationMode);
  return outputs.flatMap((name) => values.get(name) ?? []);
}

function loop(input: readonly string[], output: readonly string[], body: Body): NodeProto {
  return withBody("Loop", input, output, body, {});
}

function withBody(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  body: Body,
  attributes: Attributes,
): NodeProto {
  const g = {
    input: body.inputs.map((name) => ({ name })),
    output: body.outputs.map((name) => ({ name })),
    node: [...body.nodes],
    initializer: [...(body.initializers ?? [])],
  };
  const { attribute } = node(opType, input, output, attributes);
  const graph = { name: "body", type: AttributeProto_AttributeType.GRAPH, g };
  return create(NodeProtoSchema, {
    opType,
    input: [...input],
    output: [...output],
    attribute: [graph, ...attribute],
  });
}

function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Attributes = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([name, [kind, value]]) =>
    encodeAttribute(name, kind, value),
  );
  return create(NodeProtoSchema, { opType, input: [...input], output: [...output], attribute });
}

function integer(name: string, value: number): TensorProto {
  return rawTensor(name, "int64", [], new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
}
