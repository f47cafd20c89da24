import { limits, SelvedgeError } from "@selvedge/protocol";
import { elementTypeOf } from "./element-type.ts";
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
} from "./gen/onnx/onnx_pb.js";
import { domainAdvice } from "./operator-advice.ts";
import { elementCount, storedLength } from "./tensor-proto.ts";

/**
 * Checks what the protobuf decoder cannot: that the model is whole, holds all
 * its data, uses only standard operators, names every value once and before its
 * use, and stays within the limits.
 *
 * @throws SelvedgeError as {@link parseModel} lists
 */
export function validateModel(model: ModelProto): void {
  if (model.irVersion < 3n || model.opsetImport.length === 0 || model.graph === undefined) {
    throw corrupt("not an ONNX model: it lacks its IR version, its operator set or its graph");
  }
  if (model.graph.output.length === 0) throw corrupt("the graph has no output");
  if (model.functions.length > 0) throw unsupported("functions", "inline them when exporting");
  if (model.trainingInfo.length > 0) {
    throw unsupported(
      "training information",
      "export the plain forward graph: the training graph is ours to make",
    );
  }
  validateGraph(model.graph, undefined, { nodesLeft: limits.modelNodesMax });
}

/** The names a graph knows: its own, and those of the graphs around it. */
interface Scope {
  readonly names: Set<string>;
  readonly depth: number;
  readonly outer: Scope | undefined;
}

interface Budget {
  nodesLeft: number;
}

function validateGraph(graph: GraphProto, outer: Scope | undefined, budget: Budget): void {
  const known: Scope = { names: new Set(), depth: outer === undefined ? 0 : outer.depth + 1, outer };
  if (known.depth > limits.modelSubgraphDepthMax) {
    throw tooLarge(`subgraphs nest deeper than ${limits.modelSubgraphDepthMax}`);
  }
  budget.nodesLeft -= graph.node.length;
  if (budget.nodesLeft < 0) throw tooLarge(`the graph has more than ${limits.modelNodesMax} nodes`);
  if (graph.sparseInitializer.length > 0)
    throw unsupported("sparse initializers", "store them as dense tensors");

  for (const tensor of graph.initializer) {
    validateTensor(tensor);
    define(known, tensor.name);
  }
  const initialized = new Set(graph.initializer.map((tensor) => tensor.name));
  for (const input of graph.input) {
    // Up to IR version 3 every initializer is listed as an input as well.
    if (!initialized.has(input.name)) define(known, input.name);
  }
  for (const node of graph.node) validateNode(node, known, budget);
  for (const output of graph.output) {
    if (!knows(known, output.name)) throw corrupt(`output "${output.name}" is produced by no node`);
  }
}

function validateNode(node: NodeProto, known: Scope, budget: Budget): void {
  const at = describeNode(node);
  if (!standardDomains.has(node.domain)) {
    throw new SelvedgeError(
      "unsupported",
      `operator ${node.opType} is of the custom domain "${node.domain}"`,
      {
        at,
        fix: domainAdvice(node.domain),
      },
    );
  }
  for (const name of node.input) {
    if (name !== "" && !knows(known, name)) throw corrupt(`"${name}" is used before it is produced`, at);
  }
  for (const attribute of node.attribute) validateAttribute(attribute, known, budget, at);
  for (const name of node.output) {
    if (name !== "") define(known, name, at);
  }
}

function validateAttribute(attribute: AttributeProto, known: Scope, budget: Budget, at: string): void {
  if (attribute.sparseTensor !== undefined || attribute.sparseTensors.length > 0) {
    throw unsupported("sparse tensors", "store them as dense tensors", at);
  }
  for (const tensor of [attribute.t ?? [], attribute.tensors].flat()) validateTensor(tensor);
  for (const graph of [attribute.g ?? [], attribute.graphs].flat()) validateGraph(graph, known, budget);
}

function validateTensor(tensor: TensorProto): void {
  const at = `tensor "${tensor.name}"`;
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || tensor.externalData.length > 0) {
    const location = tensor.externalData.find((entry) => entry.key === "location")?.value ?? "";
    throw new SelvedgeError(
      "untrusted",
      `the model wants data from outside its file: "${location.slice(0, 200)}"`,
      {
        at,
        fix: "save the model with all its weights in the one file (PyTorch: external_data=False)",
      },
    );
  }
  if (tensor.segment !== undefined) throw unsupported("segmented tensors", "store each tensor whole", at);
  const type = elementTypeOf(tensor.dataType);
  if (type === undefined) {
    throw new SelvedgeError("unsupported", `element type ${tensor.dataType} is not supported`, { at });
  }
  const count = elementCount(tensor);
  if (tensor.dims.length > limits.tensorRankMax)
    throw corrupt(`a tensor of ${tensor.dims.length} dimensions`, at);
  if (tensor.dims.some((dimension) => dimension < 0n) || count > limits.parametersMax) {
    throw corrupt(`impossible shape [${tensor.dims.join(", ").slice(0, 200)}]`, at);
  }
  const stored = storedLength(tensor, type);
  if (stored !== count) {
    throw corrupt(`shape [${tensor.dims.join(", ")}] needs ${count} values and the file has ${stored}`, at);
  }
}

function knows(scope: Scope | undefined, name: string): boolean {
  return scope !== undefined && (scope.names.has(name) || knows(scope.outer, name));
}

function define(known: Scope, name: string, at?: string): void {
  if (knows(known, name)) throw corrupt(`"${name}" is produced twice`, at);
  known.names.add(name);
}

/** "node "fc1/Gemm" (Gemm)", for the place of an error. */
export function describeNode(node: NodeProto): string {
  const name = node.name === "" ? (node.output[0] ?? "") : node.name;
  return `node "${name}" (${node.opType})`;
}

function corrupt(message: string, at?: string): SelvedgeError {
  return new SelvedgeError("corrupt", message, {
    ...(at === undefined ? {} : { at }),
    fix: "export the model again and check it with the exporter's own checker",
  });
}

function unsupported(what: string, fix: string, at?: string): SelvedgeError {
  return new SelvedgeError("unsupported", `models with ${what} are not supported`, {
    ...(at === undefined ? {} : { at }),
    fix,
  });
}

function tooLarge(message: string): SelvedgeError {
  return new SelvedgeError("too_large", message, { fix: "use a smaller model" });
}

const standardDomains: ReadonlySet<string> = new Set(["", "ai.onnx", "ai.onnx.ml"]);
