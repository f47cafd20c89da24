import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { startInferenceServer } from "./inference-server.ts";
import {
  digitsServer,
  get,
  inferBody,
  inferPath,
  post,
  signalModels,
  smallMlp,
  testFolder,
  testServer,
  until,
  writeVersion,
} from "./models.fixture.ts";

test("[SV1] every path of the protocol answers, for the model and for its version", async (t) => {
  const server = await testServer(t);
  const model = await writeVersion(await testFolder(t), "7", smallMlp(1));
  assert.deepEqual((await get(`${server.url}/v2/health/live`)).body, { live: true });
  assert.equal((await get(`${server.url}/healthz`)).status, 200);
  assert.equal((await get(`${server.url}/v2/health/ready`)).status, 503);
  await server.deploy(model);
  for (const path of ["/v2/health/ready", "/readyz"]) {
    const ready = await get(server.url + path);
    assert.deepEqual([ready.status, ready.body], [200, { ready: true }]);
  }
  assert.deepEqual((await get(`${server.url}/v2`)).body, {
    name: "selvedge",
    version: "0.1.0",
    extensions: ["binary_tensor_data", "model_configuration", "model_repository", "statistics"],
  });
  for (const path of ["/v2/models/digits", "/v2/models/digits/versions/7"]) {
    assert.deepEqual((await get(server.url + path)).body, {
      name: "digits",
      versions: ["7"],
      platform: "onnx_onnxv1",
      inputs: [{ name: "input", datatype: "FP32", shape: [-1, 4] }],
      outputs: [{ name: "logits", datatype: "FP32", shape: [-1, 3] }],
    });
    assert.deepEqual((await get(`${server.url}${path}/ready`)).body, { name: "digits", ready: true });
    const { status, body } = await post(`${server.url}${path}/infer`, inferBody(2));
    assert.equal(status, 200);
    assert.deepEqual([body.model_name, body.model_version], ["digits", "7"]);
    const [{ name, datatype, shape, data }] = body.outputs;
    assert.deepEqual([name, datatype, shape, data.length], ["logits", "FP32", [2, 3], 6]);
  }
  assert.equal((await fetch(`${server.url}/v2`, { method: "HEAD" })).status, 200);
});

test("[SV2] a request that does not fit the model is answered 400 with both shapes, and a bad body 400", async (t) => {
  const server = await digitsServer(t);
  const wrong = JSON.stringify({
    inputs: [{ name: "input", shape: [1, 3], datatype: "FP32", data: [1, 2, 3] }],
  });
  const shape = await post(server.url + inferPath, wrong);
  assert.equal(shape.status, 400);
  assert.match(shape.body.error, /inputs\[0\]\.shape is \[1,3\], the model wants \[-1,4\]/);
  for (const body of ["{", "", "[1]", "null", new Uint8Array([0x22, 0xff, 0x22])]) {
    const bad = await post(server.url + inferPath, body);
    assert.deepEqual([bad.status, typeof bad.body.error], [400, "string"], String(body));
  }
  assert.equal((await post(server.url + inferPath, inferBody())).status, 200);
});

test("[SV3] unknown models, versions and paths are 404, a wrong method 405 and a large body 413", async (t) => {
  const server = await digitsServer(t, { requestBytesMax: 2_000 });
  const unknown = await post(`${server.url}/v2/models/letters/infer`, inferBody());
  assert.equal(unknown.status, 404);
  assert.match(unknown.body.error, /no model "letters" is deployed/);
  const old = await post(`${server.url}/v2/models/digits/versions/0/infer`, inferBody());
  assert.equal(old.status, 404);
  assert.match(old.body.error, /no version "0"/);
  assert.equal((await get(`${server.url}/v1`)).status, 404);
  assert.equal((await get(`${server.url}/v2/models/%zz`)).status, 400);
  const method = await get(server.url + inferPath);
  assert.deepEqual([method.status, method.headers.get("allow")], [405, "POST"]);

  const large = await post(server.url + inferPath, inferBody(1_000));
  assert.equal(large.status, 413);
  assert.match(large.body.error, /more than 2000 bytes/);
  const streamed = await fetch(server.url + inferPath, {
    method: "POST",
    body: new Blob([inferBody(1_000)]).stream(),
    duplex: "half",
  });
  assert.equal(streamed.status, 413);
  await streamed.body?.cancel();
  assert.equal((await post(server.url + inferPath, inferBody())).status, 200);
});

test("[SV7] bodies that are not answered yet hold no more than eight of the largest; past that 503", async (t) => {
  const body = inferBody();
  const server = await digitsServer(t, { requestBytesMax: body.length });
  signalModels(server, "SIGSTOP");
  try {
    const held = Array.from({ length: 8 }, () => post(server.url + inferPath, body));
    await until(async () => (await get(`${server.url}/metrics`)).body.includes('model="digits"} 8\n'));
    const refused = await post(server.url + inferPath, body);
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
    assert.match(refused.body.error, new RegExp(`requests hold ${8 * body.length} bytes already`));
    signalModels(server, "SIGCONT");
    for (const answer of held) assert.equal((await answer).status, 200);
    const bad = await post(server.url + inferPath, "{".repeat(body.length));
    assert.equal(bad.status, 400);
    const again = Array.from({ length: 8 }, () => post(server.url + inferPath, body));
    for (const answer of again) assert.equal((await answer).status, 200, "all of it was given back");
  } finally {
    signalModels(server, "SIGCONT");
  }
});

test("[SV7] a connection past the most that may be open is closed", async (t) => {
  const server = await testServer(t, { connectionsMax: 1 });
  const port = Number(new URL(server.url).port);
  const open = connect(port, "127.0.0.1");
  await once(open, "connect");
  const further = connect(port, "127.0.0.1");
  const closed = Promise.withResolvers<void>();
  // It may be told by a reset.
  further.on("error", () => {}).on("close", () => closed.resolve());
  await closed.promise;
  open.write("GET /healthz HTTP/1.1\r\nhost: device\r\nconnection: close\r\n\r\n");
  assert.match(String(await once(open, "data")), /^HTTP\/1\.1 200/);
  open.destroy();
});

test("[SV9] /metrics counts requests by status and names the version served", async (t) => {
  const server = await digitsServer(t);
  await post(server.url + inferPath, inferBody());
  await post(server.url + inferPath, "{");
  await post(`${server.url}/v2/models/invented-by-the-caller/infer`, "{}");
  const { headers, body } = await get(`${server.url}/metrics`);
  assert.match(String(headers.get("content-type")), /^text\/plain; version=0\.0\.4/);
  const [{ digest } = { digest: "" }] = server.models();
  for (const line of [
    'selvedge_inference_requests_total{model="digits",version="1",code="200"} 1',
    'selvedge_inference_requests_total{model="digits",version="1",code="400"} 1',
    'selvedge_inference_requests_total{model="",version="",code="404"} 1',
    'selvedge_inference_duration_seconds_count{model="digits",version="1"} 1',
    'selvedge_inference_model_ready{model="digits"} 1',
    `selvedge_inference_model_info{model="digits",version="1",digest="${digest}"} 1`,
  ]) {
    assert.ok(body.includes(`${line}\n`), `${line}\nis not in\n${body}`);
  }
  assert.ok(!body.includes("invented"), "a caller must not be able to add label values");
});

test("close answers what was accepted, and then nothing can be deployed", async (t) => {
  const server = await digitsServer(t);
  const [model] = server.models();
  assert.ok(model !== undefined);
  signalModels(server, "SIGSTOP");
  const accepted = post(server.url + inferPath, inferBody());
  await until(async () => (await get(`${server.url}/metrics`)).body.includes('model="digits"} 1\n'));
  const closed = server.close();
  signalModels(server, "SIGCONT");
  assert.equal((await accepted).status, 200);
  await closed;
  await server.close();
  await assert.rejects(server.deploy(model), { code: "failed_precondition", message: /is closed/ });
  await assert.rejects(fetch(server.url));
});

test("a port in use is told as such", async (t) => {
  const server = await testServer(t);
  const port = Number(new URL(server.url).port);
  await assert.rejects(startInferenceServer({ host: "127.0.0.1", port }), {
    code: "unavailable",
    message: new RegExp(`port ${port} is already in use`),
  });
});
