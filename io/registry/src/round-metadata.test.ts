import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "@selvedge/protocol";
import { day, fetchFrom, forge, keys, model, startFleet } from "./release-repository.fixture.ts";
import { type ExpectedRound, signRound, verifyRound } from "./round-metadata.ts";
import { parseTargets } from "./signed-metadata.ts";

async function signedRound() {
  const fleet = await startFleet();
  await fleet.device.update(fetchFrom(fleet.repository));
  const round = { job: "job-1", round: 3, weights: model("weights"), expires: fleet.now + day };
  const expected: ExpectedRound = {
    job: round.job,
    round: round.round,
    base: round.weights,
    delegation: fleet.device.roundDelegation(),
    now: fleet.now,
  };
  return { fleet, round, expected, bytes: signRound(round, keys.round) };
}

test("[RL11] a base model that the round key vouches for is accepted", async () => {
  const { round, expected, bytes } = await signedRound();
  verifyRound(bytes, expected);
  verifyRound(signRound({ ...round, round: 0 }, keys.round), { ...expected, round: 0 });
});

describe("a base model is refused when", () => {
  const changes: Record<string, (expected: ExpectedRound) => ExpectedRound> = {
    "the document is of another job": (expected) => ({ ...expected, job: "job-2" }),
    "the document is of another round": (expected) => ({ ...expected, round: 4 }),
    "the bytes are others": (expected) => ({ ...expected, base: model("evil") }),
    "the length is another": (expected) => ({ ...expected, base: { ...expected.base, length: 1 } }),
    "the document has expired": (expected) => ({ ...expected, now: expected.now + day }),
  };
  for (const [name, change] of Object.entries(changes)) {
    test(`[RL11] ${name}`, async () => {
      const { expected, bytes } = await signedRound();
      assert.throws(() => verifyRound(bytes, change(expected)), { code: "untrusted" });
    });
  }

  for (const [name, signers] of Object.entries({
    "nobody signed": [],
    "a stranger signed": [keys.stranger],
    "the release key signed": [keys.release],
    "the online key signed": [keys.online],
  })) {
    test(`[RL11] ${name}`, async () => {
      const { expected, bytes } = await signedRound();
      const forged = forge(bytes, (signed) => signed, ...signers);
      assert.throws(() => verifyRound(forged, expected), { code: "untrusted", message: /role "rounds"/ });
    });
  }

  test("[RL11] the document is garbage", async () => {
    const { expected, bytes } = await signedRound();
    for (const garbage of [new Uint8Array(), bytes.subarray(1), new Uint8Array(64).fill(0x5b)]) {
      assert.throws(() => verifyRound(garbage, expected), { code: "untrusted" });
    }
  });

  test("[RL11] the document is too large", async () => {
    const { expected, bytes } = await signedRound();
    const padding = "x".repeat(limits.roundMetadataBytesMax);
    const large = forge(bytes, (signed) => ({ ...signed, padding }), keys.round);
    assert.throws(() => verifyRound(large, expected), { code: "untrusted", message: /larger than/ });
  });

  test("[RL11] the release list delegates other paths only", async () => {
    const { fleet, expected, bytes } = await signedRound();
    const other = forge(
      fleet.initial.targets,
      (signed) => {
        const { keys: listed, roles } = signed.delegations as { keys: object; roles: object[] };
        return {
          ...signed,
          delegations: { keys: listed, roles: [{ ...roles[0], paths: ["rounds/job-2/*"] }] },
        };
      },
      keys.release,
    );
    const delegation = { targets: parseTargets(other, "test").metadata };
    assert.throws(() => verifyRound(bytes, { ...expected, delegation }), {
      code: "untrusted",
      message: /lets no round key vouch/,
    });
  });

  test("[RL11] release metadata is missing or stale, so that the round key may have been replaced", async () => {
    const fleet = await startFleet();
    assert.throws(() => fleet.device.roundDelegation(), { code: "failed_precondition" });
    await fleet.device.update(fetchFrom(fleet.repository));
    fleet.now += 8 * day;
    assert.throws(() => fleet.device.roundDelegation(), { code: "failed_precondition" });
  });
});

test("[RL11] a job that cannot stand in a path is not signed", () => {
  const weights = model("weights");
  for (const job of ["", "../x", "a/b", "*", "A"]) {
    assert.throws(() => signRound({ job, round: 1, weights, expires: 0 }, keys.round), {
      code: "invalid_argument",
    });
  }
  assert.throws(() => signRound({ job: "a", round: 1.5, weights, expires: 0 }, keys.round), {
    code: "invalid_argument",
  });
});
