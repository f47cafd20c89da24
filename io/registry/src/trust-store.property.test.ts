import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FetchMetadata } from "./client-workflow.ts";
import type { Release } from "./release.ts";
import { type Fleet, fetchFrom, keys, publish, startFleet } from "./release-repository.fixture.ts";
import { signNextRoot } from "./sign-root.ts";

/** One way in which the bytes of one answer arrive changed. */
type Corruption =
  | { readonly kind: "flip"; readonly at: number; readonly mask: number }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "noise"; readonly bytes: Uint8Array }
  | { readonly kind: "another document"; readonly at: number }
  | { readonly kind: "missing" };

type Action =
  | { readonly kind: "publish"; readonly name: string; readonly label: string }
  | { readonly kind: "publish root" }
  | { readonly kind: "wait"; readonly days: number }
  | { readonly kind: "update" }
  | { readonly kind: "corrupted update"; readonly file: number; readonly corruption: Corruption }
  | { readonly kind: "restart" };

const at = fc.nat(4_000);
const someBytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
const corruption: fc.Arbitrary<Corruption> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at, mask: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant("cut" as const), at }),
  fc.record({ kind: fc.constant("insert" as const), at, bytes: someBytes }),
  fc.record({ kind: fc.constant("noise" as const), bytes: someBytes }),
  fc.record({ kind: fc.constant("another document" as const), at }),
  fc.record({ kind: fc.constant("missing" as const) }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("publish" as const),
      name: fc.constantFrom("a", "b"),
      label: fc.string(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("publish root" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), days: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("update" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("corrupted update" as const), file: fc.nat(4), corruption }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);

test("[RL9] whatever arrives, the device trusts only what the keys signed, and never goes back", async () => {
  let refused = 0;
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 14 }), async (actions) => {
      const fleet = await startFleet();
      const signed = new Set<string>();
      for (const next of actions) {
        const before = fleet.device.releases();
        try {
          await perform(fleet, next, signed);
          if (next.kind === "corrupted update") accepted++;
        } catch (thrown) {
          assert.match((thrown as { code: string }).code, /^(?:untrusted|too_large|unavailable)$/);
          assert.deepEqual(fleet.device.releases(), before);
          refused++;
        }
        checkInvariants(fleet, signed, before);
      }
      await fleet.repository.refresh();
      await fleet.device.update(fetchFrom(fleet.repository));
      assert.deepEqual(fleet.device.releases(), fleet.repository.releases());
    }),
    { numRuns: 60, seed: 20260301 },
  );
  assert.ok(
    refused > 50 && accepted > 5,
    `${refused} refused and ${accepted} accepted: too few to say anything`,
  );
});

async function perform(fleet: Fleet, next: Action, signed: Set<string>): Promise<void> {
  switch (next.kind) {
    case "publish":
      signed.add(identity(await publish(fleet.repository, next.name, next.label, fleet.now)));
      return;
    case "publish root":
      await fleet.repository.publishRoot(
        signNextRoot(fleet.repository.currentRoot(), keys.root, keys, fleet.now),
      );
      return;
    case "wait":
      fleet.now += next.days * 24 * 60 * 60 * 1000;
      await fleet.repository.refresh();
      return;
    case "update":
      await fleet.device.update(fetchFrom(fleet.repository));
      assert.deepEqual(fleet.device.releases(), fleet.repository.releases());
      return;
    case "corrupted update":
      await fleet.device.update(corrupting(fleet, next.file, next.corruption));
      return;
    case "restart":
      fleet.device = await fleet.openDevice();
  }
}

function checkInvariants(fleet: Fleet, signed: ReadonlySet<string>, before: readonly Release[]) {
  for (const release of fleet.device.releases()) assert.ok(signed.has(identity(release)));
  for (const { name, version } of before) {
    assert.ok((fleet.device.newestRelease(name)?.version ?? 0) >= version);
  }
}

function identity({ name, version, job, blob }: Release): string {
  return `${name}@${version} of ${job}: ${blob.digest}, ${blob.length} bytes`;
}

/** The honest answers, but for the one asked for in place `file`. */
function corrupting(fleet: Fleet, file: number, corruption: Corruption): FetchMetadata {
  const honest = fetchFrom(fleet.repository);
  let asked = 0;
  return async (name, bytesMax) => {
    const bytes = await honest(name, bytesMax);
    return asked++ === file ? corrupt(fleet, bytes ?? new Uint8Array(), corruption) : bytes;
  };
}

function corrupt(fleet: Fleet, bytes: Uint8Array, corruption: Corruption): Uint8Array | undefined {
  switch (corruption.kind) {
    case "flip":
      return bytes.map((byte, index) =>
        index === corruption.at % bytes.length ? byte ^ corruption.mask : byte,
      );
    case "cut":
      return bytes.subarray(0, corruption.at % (bytes.length + 1));
    case "insert": {
      const position = corruption.at % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, position), corruption.bytes, bytes.subarray(position)]);
    }
    case "noise":
      return corruption.bytes;
    case "another document": {
      const documents = [...fleet.repositoryRecords.values()].map(({ json }) => JSON.parse(json) as string);
      return new TextEncoder().encode(documents[corruption.at % documents.length]);
    }
    case "missing":
      return undefined;
  }
}
