import { SelvedgeError } from "@selvedge/protocol";
import { cast } from "./arithmetic.ts";
import { type ComposeMode, evaluationMode } from "./composition.ts";
import { constantFrom } from "./constant-from.ts";
import type { TensorDescription } from "./describe-model.ts";
import { checkOperator, emitNode } from "./emit-node.ts";
import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import { GraphBuilder } from "./graph-builder.ts";
import { labelFormat } from "./label-format.ts";
import { withInner } from "./live-protos.ts";
import type { TargetFormat } from "./losses/loss-rule.ts";
import type { OnnxModel } from "./model.ts";
import { TypeMismatch, type Value } from "./operator.ts";
import { type ParameterLayout, parameterLayout } from "./parameters.ts";
import { isSequence, type Named } from "./sequences.ts";
import { describeShape, isStatic, sizeOf } from "./shape.ts";
import { trainedPart } from "./trained-part.ts";

/** Numbers, or indices such as those of words. */
export type ModelInputType = "float32" | "int32" | "int64";

/** A model read as a differentiable function of one batch of examples and its parameters. */
export interface ForwardGraph {
  readonly inputType: ModelInputType;
  /** Shape of one example, without the batch. */
  readonly inputShape: readonly number[];
  /** Shape of what it gives for one example, without the batch. */
  readonly outputShape: readonly number[];
  /** What its own loss learns; undefined where it has none. */
  readonly target: TargetFormat | undefined;
  readonly layout: ParameterLayout;
  /** Whether it has layers that are random while it learns. */
  readonly isRandom: boolean;
  /**
   * Emits the model's nodes into a graph.
   *
   * @param input [batch, ...inputShape] of the model's input type
   * @param parameters in the order of the layout
   * @param labels in the target's format; read only by a loss of the model's own
   */
  emit(
    graph: GraphBuilder,
    input: Value,
    parameters: readonly Value[],
    mode: ComposeMode,
    labels: Value | undefined,
  ): ForwardOutputs;
}

/** What a model gives. */
export interface ForwardOutputs {
  /** float32 [batch, ...outputShape] */
  readonly output: Value;
  /** Its own loss, float32: [batch, …], or of one element; undefined where it has none. */
  readonly loss: Value | undefined;
}

/**
 * @param lossOutput the model's output that is its loss; it has none when absent
 * @throws SelvedgeError `unsupported`, naming node and operator, for what cannot be trained:
 *   an operator without a rule, several inputs or outputs, a fixed batch, an old operator set
 */
export function readForwardGraph(model: OnnxModel, lossOutput?: string): ForwardGraph {
  checkOpset(model);
  const { input, labels, output, nodes, read } = trainedPart(model, lossOutput);
  for (const node of nodes) checkOperator(node);
  const { inputShape, inputType } = exampleFormat(input);
  const layout = parameterLayout(model);
  const emit: ForwardGraph["emit"] = (graph, batch, parameters, mode, learned) => {
    const values: Map<string, Named> = new Map(constantsOf(model, layout, read, graph));
    values.set(input.name, batch);
    if (labels !== undefined && learned !== undefined) {
      values.set(labels.name, cast(graph, learned, labels.type));
    }
    for (const [index, { name }] of layout.slots.entries()) {
      const parameter = parameters[index];
      if (parameter !== undefined) values.set(name, parameter);
    }
    for (const node of nodes) emitNode(graph, node, values, mode);
    return {
      output: outputAmong(values, output),
      loss: lossOutput === undefined ? undefined : outputAmong(values, lossOutput),
    };
  };
  const isRandom = withInner(nodes).some(({ opType }) => opType === "Dropout");
  const outputShape = inferOutput(inputShape, inputType, layout, emit, labels);
  const target = labels && labelFormat(labels, outputShape);
  return { inputType, inputShape, outputShape, target, layout, isRandom, emit };
}

/** One input per parameter; the prefix keeps a model's names apart from ours. */
export function parameterInputs(g: GraphBuilder, layout: ParameterLayout): Value[] {
  return layout.slots.map(({ name, shape }) => g.input(`parameter/${name}`, "float32", shape));
}

function outputAmong(values: ReadonlyMap<string, Named>, name: string): Value {
  const output = values.get(name);
  if (output !== undefined && !isSequence(output)) return output;
  throw new SelvedgeError("unsupported", "the operator that makes it gives no such value", {
    at: `output "${name}"`,
    fix: "make the first output of a node the model's output",
  });
}

/** Emits the model once, only to learn the shape of its output. */
function inferOutput(
  inputShape: readonly number[],
  inputType: ModelInputType,
  layout: ParameterLayout,
  emit: ForwardGraph["emit"],
  labels: TensorDescription | undefined,
): readonly number[] {
  const g = new GraphBuilder();
  const input = g.input("input", inputType, ["batch", ...inputShape]);
  const parameters = parameterInputs(g, layout);
  const learned = labels && g.input("labels", labels.type, ["batch", ...labels.shape.slice(1)]);
  const { output, loss } = emit(g, input, parameters, evaluationMode, learned);
  const { shape, type } = output;
  if (loss !== undefined) checkLoss(loss);
  const [batch, ...each] = shape;
  if (batch === "batch" && isStatic(each) && type === "float32") return each;
  throw new SelvedgeError(
    "unsupported",
    `the model gives ${type} ${describeShape(shape)}, not float32 of a fixed size per example`,
    { fix: "export a model whose output is [batch, …], with sizes that are fixed except for the batch" },
  );
}

/** Of each number of each example, or the mean of a batch. */
function checkLoss({ shape, type }: Value): void {
  const [batch, ...each] = shape;
  const isMean = isStatic(shape) && sizeOf(shape) === 1;
  if (type === "float32" && (isMean || (batch === "batch" && isStatic(each)))) return;
  throw new SelvedgeError("unsupported", `the loss is ${type} ${describeShape(shape)}`, {
    fix: "export one of float32: a scalar, the mean over the batch, or [batch]",
  });
}

function checkOpset(model: OnnxModel): void {
  const version =
    model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? 0n;
  if (version >= opsetMin) return;
  throw new SelvedgeError("unsupported", `the model is of ONNX operator set ${version}`, {
    fix: `export it with operator set ${opsetMin} or later`,
  });
}

function exampleFormat({
  name,
  type,
  shape,
}: TensorDescription): Pick<ForwardGraph, "inputShape" | "inputType"> {
  const [batch, ...inputShape] = shape;
  const at = `input "${name}"`;
  if (batch !== -1) {
    throw new SelvedgeError("unsupported", `the batch dimension is fixed: ${describeShape(shape)}`, {
      at,
      fix: "export the model with a first dimension of any size (PyTorch: dynamic_shapes)",
    });
  }
  if ((type !== "float32" && type !== "int32" && type !== "int64") || inputShape.includes(-1)) {
    throw new SelvedgeError(
      "unsupported",
      `only float32, int32 and int64 of fixed size can be trained on: ${type} ${describeShape(shape)}`,
      {
        at,
        fix: "export the model with an input whose dimensions, except the first, are fixed",
      },
    );
  }
  return { inputShape, inputType: type };
}

function constantsOf(
  model: OnnxModel,
  layout: ParameterLayout,
  read: ReadonlySet<string>,
  graph: GraphBuilder,
): [string, Value][] {
  const trained = new Set(layout.slots.map((slot) => slot.name));
  return (model.graph?.initializer ?? [])
    .filter(({ name }) => read.has(name) && !trained.has(name))
    .map((tensor) => [tensor.name, namedConstant(graph, tensor)]);
}

function namedConstant(graph: GraphBuilder, tensor: TensorProto): Value {
  try {
    return constantFrom(graph, tensor);
  } catch (thrown) {
    if (!(thrown instanceof TypeMismatch)) throw thrown;
    throw new SelvedgeError("unsupported", thrown.message, {
      at: `tensor "${tensor.name}"`,
      fix: "store constants as float32, float64, int32, int64 or bool",
    });
  }
}

/** From here on the operators that we train mean the same as in the set we emit. */
const opsetMin = 13n;
