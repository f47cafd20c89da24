import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { inferExample } from "./infer-example.ts";

test("a small input is written out", () => {
  const example = inferExample("http://127.0.0.1:8080", "xor", [
    { name: "x", datatype: "FP32", shape: [-1, 2] },
  ]);
  assert.equal(
    example,
    `curl -s http://127.0.0.1:8080/v2/models/xor/infer -d '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[0,0]}]}'`,
  );
});

test("a large input is made by the shell, in the right number", () => {
  const inputs = [
    { name: "it's", datatype: "FP32", shape: [-1, 784] },
    { name: "mask", datatype: "BOOL", shape: [20] },
  ];
  const example = inferExample("http://127.0.0.1:1", "digits", inputs);
  const body = execFileSync("sh", ["-c", example.replace(/^curl .* -d /, "printf %s ")], {
    encoding: "utf8",
  });
  const [digits, mask] = JSON.parse(body).inputs;
  assert.deepEqual([digits.name, digits.shape, digits.data.length], ["it's", [1, 784], 784]);
  assert.deepEqual(mask.data, Array(20).fill(false));
});

test("where the server speaks TLS the example trusts its certificate", () => {
  const example = inferExample("https://127.0.0.1:1", "digits", [], { tlsCert: "server cert.pem" });
  assert.match(example, /^curl -s --cacert 'server cert\.pem' https:/);
});
