import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { serve } from "@selvedge/inference";
import { buildMlp, parseModel, serializeModel } from "@selvedge/onnx";

/** A Python that has what requirements.txt names; `.ci/run` makes one. */
const python = process.env.SELVEDGE_TRITONCLIENT_PYTHON;

/** By the peer's names, ONNX's TensorProto.DataType. */
const elemTypes: Readonly<Record<string, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};
const names = Object.keys(elemTypes);

test("tritonclient from PyPI is served over HTTP and gRPC", {
  skip: python === undefined ? "SELVEDGE_TRITONCLIENT_PYTHON names no Python with tritonclient" : false,
  timeout: 300_000,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-tritonclient-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const name of names) await writeModel(folder, name, "1");
  await writeModel(folder, "float32", "2");
  const server = await serve(folder, { port: 0, grpcPort: 0, adminToken: "root" });
  t.after(() => server.close());

  const peer = fileURLToPath(new URL("./peer.py", import.meta.url));
  const addresses = [new URL(server.url).host, String(server.grpcAddress), "root"];
  const { stdout } = await promisify(execFile)(String(python), [peer, ...addresses]);
  const heard = JSON.parse(stdout);

  const all = Object.fromEntries(names.map((name) => [name, true]));
  for (const [way, said] of Object.entries<Record<string, unknown>>(heard)) {
    const { live, ready, modelReady, otherReady, old, unloaded, echo, config, index, extensions } = said;
    assert.deepEqual(
      [live, ready, modelReady, otherReady, old, unloaded],
      [true, true, true, false, true, false],
      way,
    );
    assert.deepEqual(echo, all, way);
    assert.equal(config, 64, way);
    assert.deepEqual(index, names.toSorted(), way);
    assert.deepEqual(
      extensions,
      ["binary_tensor_data", "model_configuration", "model_repository", "statistics"],
      way,
    );
    assert.match(String(said.loadRefused), /takes a token/, way);
    assert.match(String(said.unknown), /no model "letters" is deployed/, way);
  }
  const { http, grpc } = heard;
  assert.deepEqual(http.json, { int32: true, bool: true, string: true, float64: true });
  assert.deepEqual([http.successes, grpc.successes], [1, 2]);
  assert.deepEqual(http.metadata, {
    name: "float32",
    versions: ["2"],
    platform: "onnx_onnxv1",
    inputs: [{ name: "input", datatype: "FP32", shape: [-1, 2] }],
    outputs: [{ name: "logits", datatype: "FP32", shape: [-1, 2] }],
  });
  assert.equal(grpc.metadata.inputs[0].datatype, "FP32");
});

/** A model that gives back its input, two elements of this type for each example. */
async function writeModel(folder: string, name: string, version: string): Promise<void> {
  const model = parseModel(serializeModel(buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 })));
  const { graph } = model;
  const [node] = graph?.node ?? [];
  assert.ok(graph !== undefined && node !== undefined);
  Object.assign(node, { opType: "Identity", attribute: [], input: ["input"], output: ["logits"] });
  graph.node = [node];
  graph.initializer = [];
  for (const { type } of [...graph.input, ...graph.output]) {
    if (type?.value.case === "tensorType") type.value.value.elemType = elemTypes[name] ?? 0;
  }
  await mkdir(join(folder, name, version), { recursive: true });
  await writeFile(join(folder, name, version, "model.onnx"), serializeModel(model));
}
