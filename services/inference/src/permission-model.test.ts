import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { smallMlp, testFolder, writeVersion } from "./models.fixture.ts";

const checkout = realpathSync(fileURLToPath(new URL("../../..", import.meta.url)));

const script = `
import { startInferenceServer } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
const [inside, outside, body] = JSON.parse(process.argv[1]);
const server = await startInferenceServer({ host: "127.0.0.1", port: 0 });
await server.deploy(inside);
const response = await fetch(server.url + "/v2/models/digits/infer", { method: "POST", body });
const { outputs } = await response.json();
const refusal = await server.deploy(outside).catch((error) => error.code);
console.log(JSON.stringify([response.status, outputs[0].shape, refusal]));
await server.close();
`;

test("serves under the permission model, and cannot load a model from outside what it grants", async (t) => {
  const [granted, other] = [realpathSync(await testFolder(t)), realpathSync(await testFolder(t))];
  const inside = await writeVersion(granted, "1", smallMlp(1));
  const outside = await writeVersion(other, "2", smallMlp(2));
  const body = JSON.stringify({
    inputs: [{ name: "input", shape: [1, 4], datatype: "FP32", data: [1, 2, 3, 4] }],
  });
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--permission",
    `--allow-fs-read=${checkout}`,
    `--allow-fs-read=${granted}`,
    "--allow-addons",
    "--allow-child-process",
    "--disable-warning=SecurityWarning",
    "--input-type=module",
    "--eval",
    script,
    JSON.stringify([inside, outside, body]),
  ]);
  assert.deepEqual(JSON.parse(stdout), [200, [1, 3], "permission_denied"]);
});
