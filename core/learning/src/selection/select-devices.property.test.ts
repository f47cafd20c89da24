import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceRequirements, SelectionSpec } from "@selvedge/protocol";
import fc from "fast-check";
import { meetsRequirements } from "./device-requirements.ts";
import { decodeLosses, encodeLosses, rememberLosses } from "./last-losses.ts";
import { selectByLoss } from "./select-by-loss.ts";
import { devicesNeeded, selectDevices } from "./select-devices.ts";
import { selectPoisson } from "./select-poisson.ts";

const hundred = Array.from({ length: 100 }, (_, index) => `device-${index}`);
const uniform: SelectionSpec = {
  $typeName: "selvedge.v1.SelectionSpec",
  name: "uniform",
  probability: 0,
  candidates: 0,
};
const nothing: DeviceRequirements = {
  $typeName: "selvedge.v1.DeviceRequirements",
  ...{ memoryBytes: 0n, cores: 0, architectures: [], groups: [], tags: [] },
};
const none: ReadonlyMap<string, number> = new Map();

test("[RC11] by Poisson a device is in or not whoever else is there, and as often as the probability says", () => {
  const rounds = Array.from({ length: 200 }, (_, round) => {
    const options = { eligible: hundred, cohort: 100, seed: 1, round };
    const drawn = selectPoisson(options, 0.1);
    const half = selectPoisson({ ...options, eligible: hundred.slice(50) }, 0.1);
    assert.deepEqual(
      half,
      drawn.filter((id) => hundred.indexOf(id) >= 50),
    );
    return drawn.length;
  });
  const mean = rounds.reduce((sum, each) => sum + each, 0) / rounds.length;
  const variance = rounds.reduce((sum, each) => sum + (each - mean) ** 2, 0) / rounds.length;
  assert.ok(Math.abs(mean - 10) < 0.7 && Math.abs(variance - 9) < 3, `mean ${mean}, variance ${variance}`);
});

test("[RC11] a Poisson draw may be of nobody, and is never of more than the cohort", () => {
  const sizes = Array.from(
    { length: 100 },
    (_, round) => selectPoisson({ eligible: hundred.slice(0, 10), cohort: 3, seed: 1, round }, 0.2).length,
  );
  assert.ok(sizes.includes(0) && sizes.includes(3) && Math.max(...sizes) === 3);
});

test("[RC12] by loss those of the candidates are taken that lose most, and first who has told nothing", () => {
  const losses = fc.dictionary(fc.constantFrom(...hundred), fc.double({ min: 0, max: 10, noNaN: true }));
  fc.assert(
    fc.property(losses, fc.integer({ min: 1, max: 20 }), fc.nat(50), (told, cohort, round) => {
      const known = new Map(Object.entries(told));
      const options = { eligible: hundred, cohort, seed: 7, round };
      const candidates = selectByLoss({ ...options, cohort: 40 }, 40, none);
      const chosen = selectByLoss(options, 40, known);
      assert.equal(chosen.length, cohort);
      assert.ok(chosen.every((id) => candidates.includes(id)));
      const lossOf = (id: string): number => known.get(id) ?? Number.POSITIVE_INFINITY;
      const lowest = Math.min(...chosen.map(lossOf));
      for (const id of candidates) assert.ok(chosen.includes(id) || lossOf(id) <= lowest);
    }),
  );
});

test("losses are remembered by who told them last, up to a bound, and outlive a restart", () => {
  const first = rememberLosses(none, { a: 1, b: 2, c: undefined }, 3);
  const second = rememberLosses(first, { a: 3, d: 4, e: 5 }, 3);
  assert.deepEqual([...second.keys()], ["a", "d", "e"]);
  assert.deepEqual([...decodeLosses(encodeLosses(second))], [...second]);
  assert.throws(() => decodeLosses(Uint8Array.of(1)), { code: "corrupt" });
});

test("a plan's selection decides, and uniform is what one has that says nothing", () => {
  const options = { eligible: hundred, cohort: 10, seed: 1, round: 1 };
  const poisson: SelectionSpec = { ...uniform, name: "poisson", probability: 0.5 };
  const loss: SelectionSpec = { ...uniform, name: "loss", candidates: 20 };
  assert.deepEqual(selectDevices(poisson, options, none), selectPoisson(options, 0.5));
  assert.deepEqual(selectDevices(loss, options, none), selectByLoss(options, 20, none));
  assert.equal(selectDevices(undefined, options, none).length, 10);
  assert.deepEqual(devicesNeeded(poisson, { cohort: 100, quorum: 2 }), { atOnce: 4, patient: 2 });
  assert.deepEqual(devicesNeeded(loss, { cohort: 10, quorum: 8 }), { atOnce: 10, patient: 8 });
});

test("[RC13] a device takes part that has all that a plan requires", () => {
  const facts = { memoryBytes: 2e9, cores: 4, architecture: "arm64", group: "lab", tags: ["indoor", "new"] };
  const meets = (requires: Partial<DeviceRequirements>): boolean =>
    meetsRequirements({ ...nothing, ...requires }, facts);
  assert.ok(meetsRequirements(undefined, facts) && meets({}));
  assert.ok(meets({ memoryBytes: 2_000_000_000n, cores: 4, architectures: ["x64", "arm64"] }));
  assert.ok(meets({ groups: ["lab"], tags: ["new", "indoor"] }));
  for (const requires of [
    { memoryBytes: 2_000_000_001n },
    { cores: 5 },
    { architectures: ["x64"] },
    { groups: ["field"] },
    { tags: ["indoor", "old"] },
  ])
    assert.ok(
      !meets(requires),
      JSON.stringify(requires, (_, value) => String(value)),
    );
});
