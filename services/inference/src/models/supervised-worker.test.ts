import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
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
} from "../models.fixture.ts";

test("[SV3] a run that takes too long is answered 504 and ends with its process", async (t) => {
  const server = await digitsServer(t, { runTimeoutMs: 1, restartDelaysMs: [] });
  signalModels(server, "SIGSTOP");
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

test("[SV6] a model whose process is killed is unready and 503 until the process is back", async (t) => {
  const died = Promise.withResolvers<void>();
  const log = { info: () => {}, warn: () => died.resolve() };
  const down = await digitsServer(t, { restartDelaysMs: [], log });
  signalModels(down, "SIGKILL");
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
  const healing = await digitsServer(t, {
    restartDelaysMs: [0],
    log: { info: () => {}, warn: () => restarting.resolve() },
  });
  const [{ pid } = { pid: undefined }] = healing.models();
  signalModels(healing, "SIGKILL");
  await restarting.promise;
  await until(async () => (await get(`${healing.url}/readyz`)).status === 200);
  assert.equal((await post(healing.url + inferPath, inferBody())).status, 200);
  assert.notEqual(healing.models()[0]?.pid, pid);
  assert.match((await get(`${healing.url}/metrics`)).body, /selvedge_inference_restarts_total 1\n/);
});

test("[SV6] what waits behind a run that took its process down is answered after the restart", async (t) => {
  const server = await digitsServer(t, { runTimeoutMs: 1_000, restartDelaysMs: [0, 0] });
  const pending = async (count: number): Promise<boolean> =>
    (await get(`${server.url}/metrics`)).body.includes(`model="digits"} ${count}\n`);
  signalModels(server, "SIGSTOP");
  const late = post(server.url + inferPath, inferBody());
  await until(() => pending(1));
  const behind = post(server.url + inferPath, inferBody());
  assert.deepEqual([(await late).status, (await behind).status], [504, 200]);

  signalModels(server, "SIGSTOP");
  const crashed = post(server.url + inferPath, inferBody());
  await until(() => pending(1));
  const next = post(server.url + inferPath, inferBody());
  await until(() => pending(2));
  signalModels(server, "SIGKILL");
  assert.deepEqual([(await crashed).status, (await next).status], [503, 200]);
});
