import assert from "node:assert/strict";
import { test } from "node:test";
import { model } from "./release-repository.fixture.ts";
import { verifyRelease } from "./verify-release.ts";

test("[RL10] only the bytes that were signed pass as the release", () => {
  const { bytes, digest, length } = model("a");
  const release = { name: "digits", version: 1, job: "job-1", blob: { digest, length } };
  verifyRelease(release, bytes);
  verifyRelease(release, { digest, length });
  const others = [
    bytes.subarray(1),
    new Uint8Array(),
    model("b").bytes,
    model("b"),
    { digest, length: length + 1 },
  ];
  for (const other of others) assert.throws(() => verifyRelease(release, other), { code: "untrusted" });
});
