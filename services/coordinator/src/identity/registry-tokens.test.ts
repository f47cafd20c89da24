import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistryTokens } from "./registry-tokens.ts";

test("[OC2] a registry's token holds an operator's, ends, and is nobody's once changed or of another process", () => {
  let nowMs = 1_000;
  const tokens = new RegistryTokens(() => nowMs);
  const text = tokens.seal("the operator's");
  assert.ok(!Buffer.from(text.slice(7), "base64url").includes("operator"));
  assert.equal(tokens.open(text), "the operator's");
  assert.equal(tokens.open(tokens.nobody), "");
  assert.equal(tokens.open("svop1.something"), undefined);
  for (const changed of [`${text.slice(0, -6)}AAAAAA`, "svreg1.", "svreg1.AAAA"])
    assert.equal(tokens.open(changed), "", changed);
  assert.equal(new RegistryTokens(() => nowMs).open(text), "");
  nowMs += tokens.lifetimeMs;
  assert.equal(tokens.open(text), "");
});
