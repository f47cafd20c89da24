import assert from "node:assert/strict";
import { test } from "node:test";
import { get, inferBody, post, smallMlp, testFolder, testServer, writeVersion } from "../models.fixture.ts";

test("[SV18] a model that is being loaded for the first time is answered 503 with Retry-After, another 404", async (t) => {
  const server = await testServer(t);
  const model = await writeVersion(await testFolder(t), "1", smallMlp(1));
  const deployed = server.deploy(model);
  assert.deepEqual(await answersOf(server.url), [503, "1", 404]);
  await deployed;
  assert.deepEqual(await answersOf(server.url), [200, null, 404]);
  await server.undeploy("digits");
  assert.deepEqual(await answersOf(server.url), [404, null, 404]);
});

test("[SV18] from its start on, a server is not ready before each of its models was loaded or could not be", async (t) => {
  const server = await testServer(t, { awaited: ["digits", "letters"] });
  const folder = await testFolder(t);
  assert.deepEqual(await answersOf(server.url), [503, "1", 404]);
  await server.deploy(await writeVersion(folder, "1", smallMlp(1)));
  assert.deepEqual(await answersOf(server.url), [200, null, 404]);
  assert.equal((await get(`${server.url}/v2/health/ready`)).status, 503);
  const letters = { ...(await writeVersion(folder, "2", new Uint8Array(3))), name: "letters" };
  await assert.rejects(server.deploy(letters), { code: "corrupt" });
  assert.equal((await get(`${server.url}/v2/models/letters`)).status, 404);
  assert.equal((await get(`${server.url}/v2/health/ready`)).status, 200);
});

/** Of a request, with how long to wait, and of one for a model that nobody has. */
async function answersOf(url: string): Promise<readonly [number, string | null, number]> {
  const asked = await post(`${url}/v2/models/digits/infer`, inferBody());
  const other = await post(`${url}/v2/models/nobodys/infer`, inferBody());
  return [asked.status, asked.headers.get("retry-after"), other.status];
}
