import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { parseModel, serializeModel } from "@selvedge/onnx";
import type { Digest } from "@selvedge/protocol";
import {
  digitsServer,
  get,
  inferBody,
  inferPath,
  post,
  smallMlp,
  testFolder,
  testServer,
  writeVersion,
} from "../models.fixture.ts";

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
  await assert.rejects(server.deploy(notOnnx), { code: "corrupt", message: /not an ONNX/ });
  await assert.rejects(server.deploy({ ...good, version: "2", path: join(folder, "none.onnx") }), {
    code: "not_found",
    message: /cannot read/,
  });
  await assert.rejects(server.deploy({ ...good, name: "../digits" }), {
    code: "invalid_argument",
    message: /cannot be a model's name/,
  });

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
  await assert.rejects(server.deploy({ ...good, digest: other }), {
    code: "corrupt",
    message: /digest is sha256:[0-9a-f]+, expected/,
  });

  const model = parseModel(smallMlp(1));
  const weight = model.graph?.initializer[0];
  assert.ok(weight !== undefined);
  weight.dataLocation = 1; // TensorProto.DataLocation.EXTERNAL
  const external = await writeVersion(folder, "2", serializeModel(model));
  await assert.rejects(server.deploy(external), { code: "untrusted", message: /data from outside its file/ });
  assert.deepEqual(server.models(), []);
});

test("undeploy and deploying the same version again are idempotent", async (t) => {
  const server = await digitsServer(t);
  const [model] = server.models();
  assert.ok(model !== undefined);
  await server.deploy(model);
  assert.equal(server.models()[0]?.pid, model.pid);
  await server.undeploy("digits");
  await server.undeploy("digits");
  assert.equal((await post(server.url + inferPath, inferBody())).status, 404);
  assert.deepEqual(server.models(), []);
});
