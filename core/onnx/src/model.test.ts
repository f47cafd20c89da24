import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { limits, SelvedgeError } from "@selvedge/protocol";
import {
  AttributeProto_AttributeType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from "./gen/onnx/onnx_pb.js";
import { type OnnxModel, parseModel, serializeModel } from "./model.ts";
import { floats, modelOf, node } from "./models.fixture.ts";
import { buildMlp } from "./zoo/build-mlp.ts";

const weight = floats("w", [6, 3], Array(18).fill(0.5));
const sound = modelOf({ nodes: [node("MatMul", ["x", "w"], "y")], initializers: [weight] });

test("a model survives parsing and serializing, fields we do not know included", () => {
  const bytes = serializeModel(sound);
  // ModelProto.doc_string (6), which our schema leaves out.
  const documented = Uint8Array.of(...bytes, (6 << 3) | 2, 2, 104, 105);
  const parsed = parseModel(documented);
  assert.deepEqual(parsed.graph, sound.graph);
  assert.deepEqual([...serializeModel(parsed)].slice(-4), [(6 << 3) | 2, 2, 104, 105]);
});

test("every truncation of a model is corrupt", () => {
  const bytes = serializeModel(buildMlp({ inputShape: [3], hidden: [2], classes: 2, seed: 1 }));
  for (let length = 0; length < bytes.length; length += 1) {
    refuses("corrupt", /not an ONNX|empty|lacks/, () => parseModel(bytes.subarray(0, length)));
  }
});

test("what is not ONNX is corrupt, whatever it is", () => {
  for (const text of ["", "GIF89a", "%PDF-1.7", '{"model":"json"}', "\u0000".repeat(64), "PK\u0003\u0004"]) {
    refuses("corrupt", /./, () => parseModel(new TextEncoder().encode(text)));
  }
});

test("a file over the limit is refused unread", () => {
  refuses("too_large", /more than 10/, () => parseModel(serializeModel(sound), { bytesMax: 10 }));
});

test("data outside the file is untrusted, wherever the file says it lies", () => {
  for (const location of ["weights.bin", "../../etc/passwd", "/etc/passwd", ""]) {
    const outside = altered((model) => {
      const tensor = firstTensor(model);
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      tensor.externalData = [{ $typeName: "onnx.StringStringEntryProto", key: "location", value: location }];
    });
    refuses("untrusted", new RegExp(location), () => reparse(outside));
  }
});

test("data outside the file is found in attributes and in subgraphs too", () => {
  const outside = altered((model) => {
    firstTensor(model).dataLocation = TensorProto_DataLocation.EXTERNAL;
  });
  const nested = nest(outside.graph ?? create(GraphProtoSchema), 1);
  refuses("untrusted", /outside/, () => reparse(nested));
});

test("operators of custom domains, functions, training information and sparse tensors are unsupported", () => {
  const refused: readonly [RegExp, (model: ModelProto) => void][] = [
    [/custom domain "com\.example"/, (model) => Object.assign(firstNode(model), { domain: "com.example" })],
    [/functions/, (model) => model.functions.push({ $typeName: "onnx.FunctionProto" })],
    [/training information/, (model) => model.trainingInfo.push({ $typeName: "onnx.TrainingInfoProto" })],
    [/sparse/, (model) => model.graph?.sparseInitializer.push({ $typeName: "onnx.SparseTensorProto" })],
    [/element type 14/, (model) => Object.assign(firstTensor(model), { dataType: 14 })],
  ];
  for (const [pattern, change] of refused) {
    refuses("unsupported", pattern, () => reparse(altered((model) => void change(model))));
  }
});

test("a graph that does not hold together is corrupt", () => {
  const broken: readonly [RegExp, (model: ModelProto) => void][] = [
    [/"ghost" is used before/, (model) => Object.assign(firstNode(model), { input: ["ghost", "w"] })],
    [/"x" is produced twice/, (model) => Object.assign(firstNode(model), { output: ["x"] })],
    [/"y" is produced by no node/, (model) => Object.assign(firstNode(model), { output: ["z"] })],
    [/no output/, (model) => Object.assign(model.graph ?? {}, { output: [] })],
    [/needs 24 values and the file has 18/, (model) => Object.assign(firstTensor(model), { dims: [6n, 4n] })],
    [/impossible shape/, (model) => Object.assign(firstTensor(model), { dims: [-6n, -3n] })],
    [/impossible shape/, (model) => Object.assign(firstTensor(model), { dims: [1n << 40n, 1n << 40n] })],
    [/dimensions/, (model) => Object.assign(firstTensor(model), { dims: Array(17).fill(1n) })],
    [/needs 18 values/, (model) => Object.assign(firstTensor(model), { rawData: new Uint8Array(71) })],
  ];
  for (const [pattern, change] of broken) {
    refuses("corrupt", pattern, () => reparse(altered((model) => void change(model))));
  }
});

test("graphs may nest to the limit and no deeper", () => {
  const inner = modelOf({ nodes: [node("MatMul", ["x", "w"], "y")], initializers: [weight] }).graph;
  assert.ok(inner !== undefined);
  reparse(nest(inner, limits.modelSubgraphDepthMax));
  refuses("too_large", /nest deeper/, () => reparse(nest(inner, limits.modelSubgraphDepthMax + 1)));
  refuses("corrupt", /not an ONNX/, () => reparse(nest(inner, 40)));
});

test("more nodes than the limit are refused", () => {
  const nodes = Array.from({ length: limits.modelNodesMax + 1 }, (_, index) =>
    node("Identity", ["x"], index === 0 ? "y" : `y${index}`),
  );
  refuses("too_large", /nodes/, () => parseModel(serializeModel(modelOf({ nodes }))));
});

function reparse(model: OnnxModel): OnnxModel {
  return parseModel(toBinary(ModelProtoSchema, model));
}

/** A copy of the sound model with one change. */
function altered(change: (model: ModelProto) => void): ModelProto {
  const model = fromBinary(ModelProtoSchema, serializeModel(sound));
  change(model);
  return model;
}

/** A graph inside `depth` others, each the body of a node of the next. */
function nest(graph: GraphProto, depth: number): OnnxModel {
  let nested = graph;
  for (let level = 1; level <= depth; level += 1) {
    nested = create(GraphProtoSchema, {
      node: [
        {
          opType: "If",
          output: [`r${level}`],
          attribute: [{ name: "then_branch", type: AttributeProto_AttributeType.GRAPH, g: nested }],
        },
      ],
      output: [{ name: `r${level}` }],
    });
  }
  return { ...sound, graph: nested };
}

function firstTensor(model: ModelProto): TensorProto {
  const tensor = model.graph?.initializer[0];
  assert.ok(tensor !== undefined);
  return tensor;
}

function firstNode(model: ModelProto): object {
  const first = model.graph?.node[0];
  assert.ok(first !== undefined);
  return first;
}

function refuses(code: string, pattern: RegExp, action: () => unknown): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof SelvedgeError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, pattern);
    return true;
  });
}
