import assert from "node:assert/strict";
import { test } from "node:test";
import { identityModel, post, smallMlp, testFolder, testServer, writeVersion } from "../models.fixture.ts";
import { type Datatype, datatypes } from "../tensors/datatype.ts";
import { encodeTensorBytes } from "../tensors/tensor-bytes.ts";

/** ONNX's TensorProto.DataType, and two elements. */
const samples: Readonly<Record<Datatype, readonly [number, readonly (number | bigint | string)[]]>> = {
  FP32: [1, [0.5, -2]],
  UINT8: [2, [0, 255]],
  INT8: [3, [-128, 127]],
  UINT16: [4, [1, 65_535]],
  INT16: [5, [-32_768, 2]],
  INT32: [6, [-5, 2_147_483_647]],
  INT64: [7, [-9_223_372_036_854_775_808n, 3n]],
  BYTES: [8, ["", "zwölf"]],
  BOOL: [9, [0, 1]],
  FP16: [10, [0.5, -65_504]],
  FP64: [11, [5e-324, 2]],
  UINT32: [12, [7, 4_294_967_295]],
  UINT64: [13, [18_446_744_073_709_551_615n, 8n]],
};

test("[SV11] every datatype goes through a model as binary data, bit for bit", async (t) => {
  const folder = await testFolder(t);
  const server = await testServer(t);
  for (const [index, datatype] of (Object.keys(samples) as Datatype[]).entries()) {
    const [elemType, elements] = samples[datatype];
    await server.deploy(await writeVersion(folder, `${index + 1}`, identityModel(elemType)));
    const data = datatypes[datatype].allocate(2);
    Object.assign(data, elements);
    const blob = encodeTensorBytes({ type: datatypes[datatype].type, dims: [1, 2], data } as Parameters<
      typeof encodeTensorBytes
    >[0]);
    const head = Buffer.from(
      JSON.stringify({
        inputs: [{ name: "input", shape: [1, 2], datatype, parameters: { binary_data_size: blob.length } }],
        parameters: { binary_data_output: true },
      }),
    );
    const answer = await fetch(`${server.url}/v2/models/digits/infer`, {
      method: "POST",
      headers: { "inference-header-content-length": String(head.length) },
      body: Buffer.concat([head, blob]),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    assert.equal(answer.status, 200, bytes.toString());
    assert.equal(answer.headers.get("content-type"), "application/octet-stream");
    const length = Number(answer.headers.get("inference-header-content-length"));
    const [output] = JSON.parse(bytes.subarray(0, length).toString()).outputs;
    assert.deepEqual(output, {
      name: "logits",
      datatype,
      shape: [1, 2],
      parameters: { binary_data_size: blob.length },
    });
    assert.deepEqual([...bytes.subarray(length)], [...blob], datatype);
  }
});

test("[SV11] a body of bare numbers is answered with bare numbers behind the JSON; a compressed one is refused", async (t) => {
  const server = await testServer(t);
  await server.deploy(await writeVersion(await testFolder(t), "1", smallMlp(1)));
  const url = `${server.url}/v2/models/digits/infer`;
  const answer = await fetch(url, {
    method: "POST",
    headers: { "inference-header-content-length": "0" },
    body: new Uint8Array(Float32Array.of(1, 1, 1, 1, 2, 2, 2, 2).buffer),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const length = Number(answer.headers.get("inference-header-content-length"));
  assert.deepEqual([answer.status, bytes.length - length], [200, 2 * 3 * 4]);
  const compressed = await fetch(url, {
    method: "POST",
    headers: { "content-encoding": "gzip" },
    body: "{}",
  });
  assert.equal(compressed.status, 400);
  assert.match(await compressed.text(), /body is compressed \(gzip\)/);
  assert.equal((await post(url, "{}")).status, 400);
});
