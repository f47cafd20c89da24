import { SelvedgeError } from "@selvedge/protocol";
import { describeTensor, type TensorDescription } from "./describe-model.ts";
import { elementTypes } from "./element-type.ts";
import type { GraphProto, NodeProto, ValueInfoProto } from "./gen/onnx/onnx_pb.js";
import { liveProtos, namesReadBy } from "./live-protos.ts";
import type { OnnxModel } from "./model.ts";

/** What of a model is trained: the way from its one input to its one output of float32. */
export interface TrainedPart {
  readonly input: TensorDescription;
  /** Name of the output. */
  readonly output: string;
  /** What the loss takes beside the input, where it is an output of the model's own. */
  readonly labels: TensorDescription | undefined;
  /** What output and loss depend on, in order. */
  readonly nodes: readonly NodeProto[];
  /** Names that those nodes read. */
  readonly read: ReadonlySet<string>;
}

/**
 * @param loss the output that is the loss; undefined where the model has none
 * @throws SelvedgeError `unsupported` where there are several ways, or none, and for a loss that is no
 *   output or of no labels
 */
export function trainedPart({ graph }: OnnxModel, loss?: string): TrainedPart {
  const outputs = graph?.output ?? [];
  const isThere = outputs.some((each) => each.name === loss && isFloat(each));
  if (loss !== undefined && !isThere) throw noLoss(loss, outputs);
  const output = trainedOutput(outputs.filter(({ name }) => name !== loss));
  const way = wayTo(graph, [output]);
  const input = trainedInput(graph, way.read);
  if (loss === undefined) return { input, output, labels: undefined, ...way };
  const whole = wayTo(graph, [output, loss]);
  return { input, output, labels: labelsInput(graph, wayTo(graph, [loss]).read, input.name), ...whole };
}

function wayTo(
  graph: GraphProto | undefined,
  outputs: readonly string[],
): Pick<TrainedPart, "nodes" | "read"> {
  const nodes = liveProtos(graph?.node ?? [], outputs);
  return { nodes, read: new Set([...outputs, ...nodes.flatMap(namesReadBy)]) };
}

/** Classifiers of scikit-learn give the label as well: integers or text. */
function trainedOutput(outputs: readonly ValueInfoProto[]): string {
  const [output, ...others] = outputs.filter(isFloat);
  if (output !== undefined && others.length === 0) return output.name;
  const count = output === undefined ? "no output" : `${others.length + 1} outputs`;
  throw new SelvedgeError("unsupported", `the model has ${count} of float32: only one can be trained`, {
    // A sequence of maps, from each label to what it scores.
    fix: outputs.some(({ type }) => type?.value.case !== "tensorType")
      ? 'export it with options={"zipmap": False}, so that it gives its scores as a tensor'
      : "export a model that gives one tensor of float32, such as scores",
  });
}

function isFloat({ type }: ValueInfoProto): boolean {
  return type?.value.case === "tensorType" && type.value.value.elemType === elementTypes.float32.code;
}

function inputsAmong(graph: GraphProto | undefined, read: ReadonlySet<string>): ValueInfoProto[] {
  const initialized = new Set(graph?.initializer.map(({ name }) => name));
  return (graph?.input ?? []).filter(({ name }) => read.has(name) && !initialized.has(name));
}

function trainedInput(graph: GraphProto | undefined, read: ReadonlySet<string>): TensorDescription {
  const inputs = inputsAmong(graph, read);
  const [input] = inputs;
  if (input !== undefined && inputs.length === 1) return describeTensor(input);
  throw new SelvedgeError(
    "unsupported",
    `the output depends on ${inputs.length} inputs: only models of one can be trained`,
    { fix: "export a model that takes one tensor, and splits it" },
  );
}

/** The one input that the loss reads and the output does not. */
function labelsInput(
  graph: GraphProto | undefined,
  read: ReadonlySet<string>,
  input: string,
): TensorDescription {
  const inputs = inputsAmong(graph, read).filter(({ name }) => name !== input);
  const [labels] = inputs;
  if (labels !== undefined && inputs.length === 1) return describeTensor(labels);
  throw new SelvedgeError(
    "unsupported",
    `the loss depends on ${inputs.length} inputs beside "${input}": it takes the labels, as one tensor`,
    { fix: "export a model whose loss reads one more input, that its other output does not read" },
  );
}

function noLoss(loss: string, outputs: readonly ValueInfoProto[]): SelvedgeError {
  const names = outputs.map(({ name }) => `"${name}"`).join(", ");
  return new SelvedgeError("unsupported", `the model has no output "${loss}" of float32: ${names}`, {
    fix: "name the output that is the loss",
  });
}
