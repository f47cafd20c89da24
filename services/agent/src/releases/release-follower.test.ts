import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { DeployedModel } from "@selvedge/inference";
import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";
import type { Release } from "@selvedge/registry";
import { BlobKeeper, openFileBlobStore, openMemoryStore } from "@selvedge/storage";
import { InstalledModels } from "./installed-models.ts";
import { ReleaseFollower } from "./release-follower.ts";

for (const code of ["unsupported", "unavailable"] satisfies ErrorCode[]) {
  test(`a release that cannot be installed (${code}) keeps no other from being installed`, async (t) => {
    const { follower, installed, trouble, sleeps } = await setUp(t, ["broken", "sound"], ({ name }) => {
      if (name === "broken") throw new SelvedgeError(code, "it cannot be run");
    });
    await follower.follow();
    assert.deepEqual(
      installed.all().map(({ name }) => name),
      ["sound"],
    );
    assert.deepEqual([trouble, sleeps.length], [[code], code === "unavailable" ? 1 : 0]);
    await follower.stop();
  });
}

test("an installed model that cannot be served for now is reported as such, and tried again without the coordinator", async (t) => {
  let memoryIsShort = false;
  const { follower, sent, sleeps, offline } = await setUp(t, ["digits"], () => {
    if (memoryIsShort) throw new SelvedgeError("unavailable", "its process died");
  });
  await follower.follow();
  sent.length = 0;
  offline.is = true;
  memoryIsShort = true;
  await follower.serveInstalled();
  follower.report();
  memoryIsShort = false;
  assert.equal(sleeps.length, 1);
  sleeps[0]?.();
  await follower.follow();
  follower.report();
  assert.deepEqual(sent, [
    [false, "its process died"],
    [true, ""],
    [true, ""],
  ]);
  await follower.stop();
});

/** A follower of one release by each name, all of them there already. */
async function setUp(t: TestContext, names: readonly string[], deploy: (model: DeployedModel) => void) {
  const root = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const blobs = await openFileBlobStore({ root });
  const releases: Release[] = [];
  for (const name of names) {
    releases.push({ name, version: 1, blob: await blobs.put(Buffer.from(name)), job: "digits" });
  }
  const installed = await InstalledModels.open(openMemoryStore());
  const newestRelease = (name: string) => releases.find((release) => release.name === name);
  const trouble: string[] = [];
  const sent: [serving: boolean, error: string][] = [];
  const sleeps: (() => void)[] = [];
  const offline = { is: false };
  const follower = new ReleaseFollower({
    trust: {
      isStale: () => false,
      newestRelease,
      releaseToInstall: (name, version) => (version === 1 ? undefined : newestRelease(name)),
      releases: () => releases,
      timestampVersion: () => 1,
      async update() {
        if (offline.is) throw new SelvedgeError("unavailable", "the coordinator cannot be reached");
        return { changed: false, releases };
      },
    },
    installed,
    blobs,
    channel: {
      download: () => assert.fail("it is there already"),
      upload: () => assert.fail("nothing is uploaded"),
    },
    documents: { get: async () => undefined, close: () => undefined },
    inference: { deploy: async (model) => deploy(model) },
    keeper: new BlobKeeper({
      blobs,
      needed: () => installed.digests(),
      clock: { monotonic: () => 0 },
      timers: { after: () => () => undefined },
      graceMs: 0,
      onError: assert.fail,
    }),
    send: ({ case: kind, value }) => {
      assert(kind === "installReport");
      sent.push([value.serving, value.error]);
    },
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        sleeps.push(resolve);
        signal.addEventListener("abort", () => resolve());
      }),
    random: () => 0,
    onTrouble: (_what, error) => trouble.push(error.code),
  });
  return { follower, installed, trouble, sent, sleeps, offline };
}
