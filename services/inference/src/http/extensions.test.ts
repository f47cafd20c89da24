import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { InferenceServer } from "../inference-server.ts";
import { FolderRepository } from "../models/folder-repository.ts";
import {
  get,
  inferBody,
  inferPath,
  post,
  smallMlp,
  testFolder,
  testServer,
  writeVersion,
} from "../models.fixture.ts";

const asAdmin = { authorization: "Bearer root" };

test("[SV12] a repository's models are listed, loaded by policy and unloaded, by who has the admin token", async (t) => {
  const folder = await testFolder(t);
  for (const version of ["1", "2", "10"]) {
    await mkdir(join(folder, "digits", version), { recursive: true });
    await writeFile(join(folder, "digits", version, "model.onnx"), smallMlp(Number(version)));
  }
  await mkdir(join(folder, "digits", "drafts"));
  await mkdir(join(folder, "Not A Name", "1"), { recursive: true });
  const server = await testServer(t, { repository: new FolderRepository(folder), adminToken: "root" });
  const post = (path: string, body: object, headers = {}): Promise<Response> =>
    fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  const index = async (ready: boolean): Promise<unknown> =>
    (await (await post("/v2/repository/index", { ready })).json()) as unknown;
  const entry = (version: string, isReady: boolean): object => ({
    name: "digits",
    version,
    state: isReady ? "READY" : "UNAVAILABLE",
    reason: isReady ? "" : "not loaded",
  });

  assert.deepEqual(await index(false), [entry("1", false), entry("2", false), entry("10", false)]);
  const load = "/v2/repository/models/digits/load";
  const refused = await post(load, {});
  assert.deepEqual([refused.status, refused.headers.get("www-authenticate")], [401, "Bearer"]);
  assert.equal((await fetch(server.url + load, { method: "POST", headers: asAdmin })).status, 200);
  assert.deepEqual(await index(true), [entry("10", true)]);

  const config = JSON.stringify({ version_policy: { latest: { num_versions: 2 } } });
  assert.equal((await post(load, { parameters: { config } }, asAdmin)).status, 200);
  assert.deepEqual(await index(true), [entry("2", true), entry("10", true)]);
  assert.deepEqual((await get(`${server.url}/v2/models/digits`)).body.versions, ["2", "10"]);
  assert.deepEqual(await versionsThatAnswer(server), ["10", "2", "10"]);
  const gone = await post(`${"/v2/models/digits/versions/1"}/infer`, JSON.parse(inferBody()) as object);
  assert.equal(gone.status, 404);
  assert.match(await gone.text(), /ask for version \\"2\\" or \\"10\\"/);

  assert.equal((await post("/v2/repository/models/letters/load", {}, asAdmin)).status, 404);
  assert.equal((await post(load, { parameters: { config: "{" } }, asAdmin)).status, 400);
  await writeFile(join(folder, "digits", "10", "model.onnx"), "no longer a model");
  assert.equal((await post(load, {}, asAdmin)).status, 400);
  assert.deepEqual(
    await versionsThatAnswer(server),
    ["10", "2", "10"],
    "what was served before is served still",
  );

  assert.equal((await post("/v2/repository/models/digits/unload", {}, asAdmin)).status, 200);
  assert.equal((await post("/v2/repository/models/digits/unload", {}, asAdmin)).status, 404);
  assert.deepEqual(await index(true), []);
});

test("[SV12] without a repository what is deployed is listed; without an admin token nobody loads", async (t) => {
  const server = await testServer(t);
  await server.deploy(await writeVersion(await testFolder(t), "7", smallMlp(1)));
  const answer = await post(`${server.url}/v2/repository/index`, "");
  assert.deepEqual(answer.body, [{ name: "digits", version: "7", state: "READY", reason: "" }]);
  const refused = await post(`${server.url}/v2/repository/models/digits/unload`, "");
  assert.equal(refused.status, 403);
  assert.match(refused.body.error, /start it with an admin token/);
});

test("[SV13] with a token everything but health takes it", async (t) => {
  const server = await testServer(t, { token: "secret", adminToken: "root" });
  for (const path of ["/v2/health/live", "/healthz"])
    assert.equal((await get(server.url + path)).status, 200);
  for (const path of ["/v2", "/metrics", "/v2/models/stats", "/v2/models/digits"]) {
    assert.equal((await get(server.url + path)).status, 401, path);
  }
  for (const token of ["secret", "root"]) {
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await fetch(`${server.url}/v2`, { headers })).status, 200);
  }
});

test("[SV14] statistics and configuration answer for the model, its version and all models", async (t) => {
  const server = await testServer(t);
  await server.deploy(await writeVersion(await testFolder(t), "7", smallMlp(1)));
  assert.equal((await post(server.url + inferPath, inferBody(3))).status, 200);
  for (const path of ["/v2/models/stats", "/v2/models/digits/stats", "/v2/models/digits/versions/7/stats"]) {
    const { model_stats } = (await get(server.url + path)).body;
    assert.equal(model_stats.length, 1, path);
    const [{ name, version, inference_count, execution_count, inference_stats, batch_stats }] = model_stats;
    assert.deepEqual([name, version, inference_count, execution_count], ["digits", "7", 3, 1]);
    assert.equal(inference_stats.success.count, 1);
    assert.ok(inference_stats.compute_infer.ns > 0);
    assert.equal(batch_stats[0].batch_size, 3);
  }
  assert.equal((await get(`${server.url}/v2/models/digits/versions/8/stats`)).status, 404);
  const { body, headers } = await get(`${server.url}/v2/models/digits/config`);
  assert.deepEqual(body, {
    name: "digits",
    platform: "onnxruntime_onnx",
    backend: "onnxruntime",
    version_policy: { specific: { versions: ["7"] } },
    max_batch_size: 64,
    input: [{ name: "input", data_type: "TYPE_FP32", dims: [4] }],
    output: [{ name: "logits", data_type: "TYPE_FP32", dims: [3] }],
    instance_group: [{ kind: "KIND_CPU", count: 1 }],
    dynamic_batching: { max_queue_delay_microseconds: 0 },
    parameters: { version: { string_value: "7" }, digest: { string_value: headers.get("x-model-digest") } },
  });
});

test("[SV15] a request waits no longer than its header or its parameter says, and its answer names the version", async (t) => {
  const server = await testServer(t);
  await server.deploy(await writeVersion(await testFolder(t), "7", smallMlp(1)));
  const [{ pid, digest } = { pid: undefined, digest: undefined }] = server.models();
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGSTOP");
  try {
    const url = server.url + inferPath;
    const byHeader = await fetch(url, {
      method: "POST",
      headers: { "x-request-timeout-ms": "1" },
      body: inferBody(),
    });
    assert.deepEqual([byHeader.status, byHeader.headers.get("x-model-digest")], [504, digest]);
    assert.match(await byHeader.text(), /no answer within the 1 ms/);
    const byParameter = JSON.stringify({ ...JSON.parse(inferBody()), parameters: { timeout: 500 } });
    assert.equal((await post(url, byParameter)).status, 504);
    const bad = await fetch(url, { method: "POST", headers: { "x-request-timeout-ms": "0" }, body: "{}" });
    assert.equal(bad.status, 400);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  const patient = await fetch(server.url + inferPath, {
    method: "POST",
    headers: { "x-request-timeout-ms": "600000" },
    body: inferBody(),
  });
  assert.equal(patient.status, 200);
});

async function versionsThatAnswer({ url }: InferenceServer): Promise<readonly string[]> {
  const paths = ["", "/versions/2", "/versions/10"].map(
    (version) => `${url}/v2/models/digits${version}/infer`,
  );
  const answers = await Promise.all(paths.map((path) => post(path, inferBody())));
  return answers.map(({ body }) => body.model_version as string);
}
