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
  /** What the output depends on, in order. */
  readonly nodes: readonly NodeProto[];
  /** Names that those nodes read. */
  readonly read: ReadonlySet<string>;
}

/** @throws SelvedgeError `unsupported` where there are several ways, or none */
export function trainedPart({ graph }: OnnxModel): TrainedPart {
  const output = trainedOutput(graph?.output ?? []);
  const nodes = liveProtos(graph?.node ?? [], [output]);
  const read = new Set([output, ...nodes.flatMap(namesReadBy)]);
  return { input: trainedInput(graph, read), output, nodes, read };
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

function trainedInput(graph: GraphProto | undefined, read: ReadonlySet<string>): TensorDescription {
  const initialized = new Set(graph?.initializer.map(({ name }) => name));
  const inputs = (graph?.input ?? []).filter(({ name }) => read.has(name) && !initialized.has(name));
  const [input] = inputs;
  if (input !== undefined && inputs.length === 1) return describeTensor(input);
  throw new SelvedgeError(
    "unsupported",
    `the output depends on ${inputs.length} inputs: only models of one can be trained`,
    { fix: "export a model that takes one tensor, and splits it" },
  );
}
