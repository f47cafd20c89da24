import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseModel, serializeModel } from "@selvedge/onnx";
import { type Digest, SelvedgeError } from "@selvedge/protocol";
import { type InferenceServer, startInferenceServer } from "./inference-server.ts";
import { get, inferBody, post, smallMlp, testFolder, testServer, writeVersion } from "./models.fixture.ts";

const inferPath = "/v2/models/digits/infer";

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
  const server = await deployed(t);
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
  const server = await deployed(t, { requestBytesMax: 2_000 });
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

test("[SV3] a run that takes too long is answered 504 and ends with its process", async (t) => {
  const server = await deployed(t, { runTimeoutMs: 1, restartDelaysMs: [] });
  kill(server, "SIGSTOP");
  const late = await post(server.url + inferPath, inferBody());
  assert.equal(late.status, 504);
  assert.match(late.body.error, /took longer than 1 ms/);
  await until(async () => (await get(`${server.url}/readyz`)).status === 503);
});

test("the process of a model that has more memory than allowed is ended", async (t) => {
  const server = await testServer(t, { memoryBytesMax: 1_000_000, restartDelaysMs: [] });
  const model = await writeVersion(await testFolder(t), "1", smallMlp(1));
  // Seen while the model is loaded, or soon after.
  await server.deploy(model).catch((thrown: unknown) => {
    assert.ok(thrown instanceof SelvedgeError);
    assert.match(thrown.message, /had \d+ MB of memory; at most 1 MB/);
  });
  await until(async () => (await get(`${server.url}/readyz`)).status === 503);
});

test("[SV4] no request fails while versions are swapped, and each is answered by the version it names", async (t) => {
  const folder = await testFolder(t);
  const server = await testServer(t);
  const versions = await Promise.all(
    Array.from({ length: 7 }, (_, i) => writeVersion(folder, `${i + 1}`, smallMlp(i + 1))),
  );
  const [first, ...others] = versions;
  assert.ok(first !== undefined);
  await server.deploy(first);

  const scores = new Map<string, Set<string>>();
  const digests = new Map<string, string>(versions.map(({ version, digest }) => [version, digest]));
  let swapping = true;
  let answered = 0;
  const caller = async (): Promise<void> => {
    while (swapping) {
      const { status, headers, body } = await post(server.url + inferPath, inferBody());
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(headers.get("x-model-version"), body.model_version);
      assert.equal(headers.get("x-model-digest"), digests.get(body.model_version));
      const rounded = body.outputs[0].data.map((score: number) => score.toFixed(4)).join();
      scores.set(body.model_version, (scores.get(body.model_version) ?? new Set()).add(rounded));
      answered++;
    }
  };
  const callers = Promise.all(Array.from({ length: 6 }, caller));
  for (const model of others) await server.deploy(model);
  swapping = false;
  await callers;

  assert.ok(answered >= versions.length, `only ${answered} requests`);
  assert.ok(scores.size > 1, "requests met one version only");
  for (const [version, seen] of scores) assert.equal(seen.size, 1, `version ${version} gave several answers`);
  assert.equal(new Set([...scores.values()].flatMap((seen) => [...seen])).size, scores.size);
  assert.deepEqual(
    server.models().map(({ version }) => version),
    ["7"],
  );
});

test("[SV5] a version that cannot be loaded is rejected with the reason, and the old one serves on", async (t) => {
  const folder = await testFolder(t);
  const server = await testServer(t);
  const good = await writeVersion(folder, "1", smallMlp(1));
  await server.deploy(good);
  const [before] = server.models();

  const notOnnx = await writeVersion(folder, "2", Buffer.from("PK\u0003\u0004 a zip, say"));
  await rejects(server.deploy(notOnnx), "corrupt", /not an ONNX/);
  await rejects(
    server.deploy({ ...good, version: "2", path: join(folder, "none.onnx") }),
    "not_found",
    /cannot read/,
  );
  await rejects(
    server.deploy({ ...good, name: "../digits" }),
    "invalid_argument",
    /cannot be a model's name/,
  );

  assert.deepEqual(server.models(), [before]);
  assert.equal((await post(server.url + inferPath, inferBody())).headers.get("x-model-version"), "1");
  const { body } = await get(`${server.url}/metrics`);
  assert.match(body, /selvedge_inference_swaps_total\{model="digits",result="rejected"\} 2\n/);
});

test("[SV8] bytes of another digest, and a model with data outside its file, are not loaded", async (t) => {
  const folder = await testFolder(t);
  const server = await testServer(t);
  const good = await writeVersion(folder, "1", smallMlp(1));
  const other: Digest = `sha256:${"0".repeat(64)}`;
  await rejects(server.deploy({ ...good, digest: other }), "corrupt", /digest is sha256:[0-9a-f]+, expected/);

  const model = parseModel(smallMlp(1));
  const weight = model.graph?.initializer[0];
  assert.ok(weight !== undefined);
  weight.dataLocation = 1; // TensorProto.DataLocation.EXTERNAL
  const external = await writeVersion(folder, "2", serializeModel(model));
  await rejects(server.deploy(external), "untrusted", /data from outside its file/);
  assert.deepEqual(server.models(), []);
});

test("[SV6] a model whose process is killed is unready and 503 until the process is back", async (t) => {
  const died = Promise.withResolvers<void>();
  const log = { info: () => {}, warn: () => died.resolve() };
  const down = await deployed(t, { restartDelaysMs: [], log });
  kill(down, "SIGKILL");
  await died.promise;
  assert.equal((await get(`${down.url}/readyz`)).status, 503);
  assert.equal((await get(`${down.url}/v2/models/digits/ready`)).status, 503);
  assert.equal((await get(`${down.url}/healthz`)).status, 200);
  const refused = await post(down.url + inferPath, inferBody());
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  const [model] = down.models();
  assert.ok(model !== undefined && !model.ready);
  await down.deploy(model);
  assert.equal((await post(down.url + inferPath, inferBody())).status, 200, "deploying it again revives it");

  const restarting = Promise.withResolvers<void>();
  const healing = await deployed(t, {
    restartDelaysMs: [0],
    log: { info: () => {}, warn: () => restarting.resolve() },
  });
  const [{ pid } = { pid: undefined }] = healing.models();
  kill(healing, "SIGKILL");
  await restarting.promise;
  await until(async () => (await get(`${healing.url}/readyz`)).status === 200);
  assert.equal((await post(healing.url + inferPath, inferBody())).status, 200);
  assert.notEqual(healing.models()[0]?.pid, pid);
  assert.match((await get(`${healing.url}/metrics`)).body, /selvedge_inference_restarts_total 1\n/);
});

test("[SV6] what waits behind a run that took its process down is answered after the restart", async (t) => {
  const server = await deployed(t, { runTimeoutMs: 1_000, restartDelaysMs: [0, 0] });
  const pending = async (count: number): Promise<boolean> =>
    (await get(`${server.url}/metrics`)).body.includes(`model="digits"} ${count}\n`);
  kill(server, "SIGSTOP");
  const late = post(server.url + inferPath, inferBody());
  await until(() => pending(1));
  const behind = post(server.url + inferPath, inferBody());
  assert.deepEqual([(await late).status, (await behind).status], [504, 200]);

  kill(server, "SIGSTOP");
  const crashed = post(server.url + inferPath, inferBody());
  await until(() => pending(1));
  const next = post(server.url + inferPath, inferBody());
  await until(() => pending(2));
  kill(server, "SIGKILL");
  assert.deepEqual([(await crashed).status, (await next).status], [503, 200]);
});

test("[SV7] a full queue answers 503, and a caller that leaves gives up its place", async (t) => {
  const server = await deployed(t, { maxQueue: 1 });
  const pending = async (count: number): Promise<boolean> =>
    (await get(`${server.url}/metrics`)).body.includes(
      `selvedge_inference_pending_requests{model="digits"} ${count}\n`,
    );
  kill(server, "SIGSTOP");
  try {
    const running = post(server.url + inferPath, inferBody());
    await until(() => pending(1));
    const impatient = new AbortController();
    const left = fetch(server.url + inferPath, {
      method: "POST",
      body: inferBody(),
      signal: impatient.signal,
    });
    await until(() => pending(2));
    const refused = await post(server.url + inferPath, inferBody());
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
    impatient.abort();
    await assert.rejects(left, { name: "AbortError" });
    await until(() => pending(1));
    const waiting = post(server.url + inferPath, inferBody());
    await until(() => pending(2));
    kill(server, "SIGCONT");
    assert.deepEqual([(await running).status, (await waiting).status], [200, 200]);
  } finally {
    kill(server, "SIGCONT");
  }
});

test("[SV7] bodies that are not answered yet hold no more than eight of the largest; past that 503", async (t) => {
  const body = inferBody();
  const server = await deployed(t, { requestBytesMax: body.length });
  kill(server, "SIGSTOP");
  try {
    const held = Array.from({ length: 8 }, () => post(server.url + inferPath, body));
    await until(async () => (await get(`${server.url}/metrics`)).body.includes('model="digits"} 8\n'));
    const refused = await post(server.url + inferPath, body);
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
    assert.match(refused.body.error, new RegExp(`requests hold ${8 * body.length} bytes already`));
    kill(server, "SIGCONT");
    for (const answer of held) assert.equal((await answer).status, 200);
    const bad = await post(server.url + inferPath, "{".repeat(body.length));
    assert.equal(bad.status, 400);
    const again = Array.from({ length: 8 }, () => post(server.url + inferPath, body));
    for (const answer of again) assert.equal((await answer).status, 200, "all of it was given back");
  } finally {
    kill(server, "SIGCONT");
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

test("[SV10] requests that are run together are answered as if each were alone", async (t) => {
  const server = await deployed(t);
  const ask = async (value: number): Promise<readonly number[]> =>
    (await post(server.url + inferPath, inferBody(1 + (value % 2), value))).body.outputs[0].data;
  const values = [1, 2, 3, 4, 5];
  const alone: (readonly number[])[] = [];
  for (const value of values) alone.push(await ask(value));
  kill(server, "SIGSTOP");
  const together = [0, ...values].map(ask);
  await until(async () => (await get(`${server.url}/metrics`)).body.includes('model="digits"} 6\n'));
  kill(server, "SIGCONT");
  const [, ...answers] = await Promise.all(together);
  for (const [i, answer] of answers.entries()) {
    assert.equal(answer.length, alone[i]?.length);
    for (const [j, score] of answer.entries()) assert.ok(Math.abs(score - (alone[i]?.[j] ?? 0)) < 1e-4);
  }
});

test("[SV9] /metrics counts requests by status and names the version served", async (t) => {
  const server = await deployed(t);
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

test("undeploy and deploying the same version again are idempotent", async (t) => {
  const server = await deployed(t);
  const [model] = server.models();
  assert.ok(model !== undefined);
  await server.deploy(model);
  assert.equal(server.models()[0]?.pid, model.pid);
  await server.undeploy("digits");
  await server.undeploy("digits");
  assert.equal((await post(server.url + inferPath, inferBody())).status, 404);
  assert.deepEqual(server.models(), []);
});

test("close answers what was accepted, and then nothing can be deployed", async (t) => {
  const server = await deployed(t);
  const [model] = server.models();
  assert.ok(model !== undefined);
  kill(server, "SIGSTOP");
  const accepted = post(server.url + inferPath, inferBody());
  await until(async () => (await get(`${server.url}/metrics`)).body.includes('model="digits"} 1\n'));
  const closed = server.close();
  kill(server, "SIGCONT");
  assert.equal((await accepted).status, 200);
  await closed;
  await server.close();
  await rejects(server.deploy(model), "failed_precondition", /is closed/);
  await assert.rejects(fetch(server.url));
});

test("a port in use is told as such", async (t) => {
  const server = await testServer(t);
  const port = Number(new URL(server.url).port);
  await rejects(
    startInferenceServer({ host: "127.0.0.1", port }),
    "unavailable",
    new RegExp(`port ${port} is already in use`),
  );
});

async function deployed(
  t: TestContext,
  options: Parameters<typeof testServer>[1] = {},
): Promise<InferenceServer> {
  const server = await testServer(t, options);
  await server.deploy(await writeVersion(await testFolder(t), "1", smallMlp(1)));
  return server;
}

function kill(server: InferenceServer, signal: NodeJS.Signals): void {
  for (const { pid } of server.models()) {
    if (pid !== undefined) process.kill(pid, signal);
  }
}

/** Asks until the answer is yes; the runner's own timeout ends a wait in vain. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}

async function rejects(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof SelvedgeError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}
