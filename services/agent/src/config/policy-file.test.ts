import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { initialPolicy, readPolicy, readTrainingLimits } from "./policy-file.ts";

suite("policy.yaml", () => {
  let path = "";
  before(async () => {
    path = join(await mkdtemp(join(tmpdir(), "selvedge-policy-")), "policy.yaml");
  });
  after(() => rm(join(path, ".."), { recursive: true, force: true }));

  const signer = `ed25519:${"0".repeat(64)}`;

  test("of a new device can be read, and allows a training half of the machine for a day", async () => {
    await writeFile(path, initialPolicy([signer]));
    assert.deepEqual((await readPolicy(path)).signers, [signer]);
    const { memoryBytesMax, durationMsMax } = await readTrainingLimits(path);
    assert.ok(memoryBytesMax > 0 && memoryBytesMax <= totalmem() / 2);
    assert.equal(durationMsMax, 86_400_000);
  });

  test("says what a training may take", async () => {
    await writeFile(path, `signers: []\nmaxMemory: 1.5GB\nmaxTrainingTime: 60s\nkeepFor: 1h\n`);
    assert.deepEqual(await readTrainingLimits(path), {
      ...{ memoryBytesMax: 1.5e9, durationMsMax: 60_000, keepForMs: 3_600_000 },
    });
  });

  test("with a size that has no unit is refused, with its line", async () => {
    await writeFile(path, `signers: []\nmaxMemory: "1500"\n`);
    await assert.rejects(readTrainingLimits(path), (thrown) => {
      assert.ok(thrown instanceof SelvedgeError);
      assert.match(thrown.message, /^maxMemory: must be a number and a unit, such as "512MB"/);
      assert.match(thrown.at ?? "", /policy\.yaml:2$/);
      return true;
    });
  });
});
