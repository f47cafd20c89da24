import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";
import type { Release } from "@selvedge/registry";
import { BlobKeeper, openFileBlobStore, openMemoryStore } from "@selvedge/storage";
import { InstalledModels } from "./installed-models.ts";
import { ReleaseFollower } from "./release-follower.ts";

for (const code of ["unsupported", "unavailable"] satisfies ErrorCode[]) {
  test(`a release that cannot be installed (${code}) keeps no other from being installed`, async (t) => {
    const root = mkdtempSync(join(tmpdir(), "selvedge-test-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const blobs = await openFileBlobStore({ root });
    const releaseOf = async (name: string): Promise<Release> => {
      const blob = await blobs.put(Buffer.from(name));
      return { name, version: 1, blob, job: "digits" };
    };
    const releases = [await releaseOf("broken"), await releaseOf("sound")];
    const installed = await InstalledModels.open(openMemoryStore());
    const newestRelease = (name: string) => releases.find((release) => release.name === name);
    const trouble: string[] = [];
    let sleeps = 0;
    const follower = new ReleaseFollower({
      trust: {
        isStale: () => false,
        newestRelease,
        releaseToInstall: (name, version) => (version === 1 ? undefined : newestRelease(name)),
        releases: () => releases,
        timestampVersion: () => 1,
        update: async () => ({ changed: false, releases }),
      },
      installed,
      blobs,
      channel: {
        download: () => assert.fail("it is there already"),
        upload: () => assert.fail("nothing is uploaded"),
      },
      documents: { get: async () => undefined, close: () => undefined },
      inference: {
        async deploy({ name }) {
          if (name === "broken") throw new SelvedgeError(code, "it cannot be run");
        },
      },
      keeper: new BlobKeeper({
        blobs,
        needed: () => installed.digests(),
        clock: { monotonic: () => 0 },
        timers: { after: () => () => undefined },
        graceMs: 0,
        onError: assert.fail,
      }),
      send: () => undefined,
      sleep: async (_ms, signal) => {
        sleeps += 1;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
      random: () => 0,
      onTrouble: (_what, error) => trouble.push(error.code),
    });
    await follower.follow();
    assert.deepEqual(
      installed.all().map(({ name }) => name),
      ["sound"],
    );
    assert.deepEqual([trouble, sleeps], [[code], code === "unavailable" ? 1 : 0]);
    await follower.stop();
  });
}
