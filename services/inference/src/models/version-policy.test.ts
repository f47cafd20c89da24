import assert from "node:assert/strict";
import { test } from "node:test";
import { versionsToServe } from "./version-policy.ts";

const versions = ["1", "2", "10"];

test("[SV12] a load serves the newest version, or those that the configuration's version policy says", () => {
  const cases: readonly [unknown, readonly string[]][] = [
    [undefined, ["10"]],
    [{}, ["10"]],
    [{ name: "digits", backend: "onnxruntime" }, ["10"]],
    [{ version_policy: { all: {} } }, versions],
    [{ version_policy: { latest: {} } }, ["10"]],
    [{ version_policy: { latest: { num_versions: 2 } } }, ["2", "10"]],
    [{ versionPolicy: { latest: { numVersions: 9 } } }, versions],
    [{ version_policy: { specific: { versions: [10, 1] } } }, ["1", "10"]],
    [{ version_policy: { specific: { versions: ["2"] } } }, ["2"]],
  ];
  for (const [config, expected] of cases) {
    const parameters = config === undefined ? {} : { config: JSON.stringify(config) };
    assert.deepEqual(versionsToServe(parameters, versions), expected, JSON.stringify(config));
  }
});

test("[SV12] what a load asks for and cannot have is refused", () => {
  const config = (value: unknown): { readonly config: string } => ({ config: JSON.stringify(value) });
  const cases: readonly [Readonly<Record<string, unknown>>, string][] = [
    [{ config: 1 }, "invalid_argument"],
    [{ config: "{" }, "invalid_argument"],
    [config([]), "invalid_argument"],
    [config({ version_policy: {} }), "invalid_argument"],
    [config({ version_policy: { latest: { num_versions: 0 } } }), "invalid_argument"],
    [config({ version_policy: { specific: { versions: [] } } }), "invalid_argument"],
    [config({ version_policy: { specific: { versions: [3] } } }), "not_found"],
    [config({ max_batch_size: 8 }), "unsupported"],
    [{ "file:1/model.onnx": "AAAA" }, "unsupported"],
  ];
  for (const [parameters, code] of cases) {
    assert.throws(() => versionsToServe(parameters, versions), { code }, JSON.stringify(parameters));
  }
});
