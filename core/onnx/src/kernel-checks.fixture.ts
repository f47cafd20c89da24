import { type CheckInput, caseInputs, caseNode, casePoints, emitCase, isShape } from "./case-graph.ts";
import { evaluationMode } from "./composition.ts";
import { type ComposedOperator, compositions, isComposed } from "./compositions.ts";
import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import type { CheckedSignatures, ConstantInput, GradientCase } from "./gradient-case.ts";
import { gradientCases } from "./gradient-cases.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { serializeModel } from "./model.ts";
import { modelOf, value } from "./models.fixture.ts";
import { rawTensor } from "./tensor-proto.ts";

/** Two models of the same: what we compose of an operator, and the operator itself for the runtime to compute. */
export interface KernelCheck {
  readonly name: string;
  readonly composed: Uint8Array;
  readonly kernel: Uint8Array;
  /** float32, of both. */
  readonly inputs: readonly CheckInput[];
  /** Of both. */
  readonly outputs: readonly string[];
}

/** A check for every case of every composition that the runtime takes as it is. */
export function kernelChecks(): KernelCheck[] {
  const operators = Object.keys(compositions).filter(isComposed);
  return operators.flatMap((op) => checksOf(op));
}

function checksOf<Op extends ComposedOperator>(op: Op): KernelCheck[] {
  const cases: readonly GradientCase<Op>[] = gradientCases[op];
  const comparable = cases.filter(({ kernel }) => kernel !== false);
  return comparable.map((each) => kernelCheck(op, { ...each, inputs: each.inputs.map(singlePrecision) }));
}

function kernelCheck<Op extends keyof CheckedSignatures>(op: Op, each: GradientCase<Op>): KernelCheck {
  const g = new GraphBuilder();
  const name = `${op}: ${each.name}`;
  const node = caseNode(op, each);
  const all = emitCase(g, node, caseInputs(g, name, each, "float32").inputs, evaluationMode);
  const emitted = all.filter(({ type }) => type === "float32");
  const outputs = node.output.slice(0, emitted.length);
  for (const [index, output] of emitted.entries()) g.output(outputs[index] ?? "", output);
  const inputs = each.inputs.flatMap((input, index) =>
    input !== undefined && isShape(input) ? [value(`input${index}`, input)] : [],
  );
  const kernel = modelOf({
    nodes: [{ ...node, output: outputs }],
    initializers: each.inputs.flatMap((input, index) =>
      input === undefined || isShape(input) ? [] : [tensorOf(`input${index}`, input)],
    ),
    inputs,
    outputs: emitted.map((output, index) => value(outputs[index] ?? "", output.shape)),
    opset: 23,
  });
  return {
    name,
    composed: serializeModel(g.toModel(name)),
    kernel: serializeModel({ ...kernel, irVersion: 10n }),
    inputs: casePoints(name, each),
    outputs,
  };
}

function singlePrecision<Input>(input: Input | ConstantInput): Input | ConstantInput {
  const isDouble = typeof input === "object" && input !== null && "type" in input && input.type === "float64";
  return isDouble ? { ...input, type: "float32" } : input;
}

function tensorOf(name: string, { type, values, shape }: ConstantInput): TensorProto {
  const data = {
    bool: () => Uint8Array.from(values),
    float32: () => Float32Array.from(values),
    float64: () => Float64Array.from(values),
    int32: () => Int32Array.from(values),
    int64: () => BigInt64Array.from(values, BigInt),
  }[type]();
  return rawTensor(name, type, shape, new Uint8Array(data.buffer));
}
