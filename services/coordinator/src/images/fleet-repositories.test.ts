import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Digest } from "@selvedge/protocol";
import { BlobUploads, ImageStore, mediaTypes, ociDocument, parseManifest } from "@selvedge/registry";
import { openMemoryBlobStore, openMemoryStore, systemTimers } from "@selvedge/storage";
import { FleetRepositories } from "./fleet-repositories.ts";
import { ReleaseImages } from "./release-images.ts";

test("[OC3] a manifest whose blobs were swept before it came is not taken, and those of one that comes are held", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-repositories-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const blobs = openMemoryBlobStore();
  const held: Digest[] = [];
  const hold = async (digest: Digest): Promise<void> => {
    held.push(digest);
  };
  const images = await ImageStore.open(openMemoryStore(), blobs);
  const repositories = new FleetRepositories({
    images,
    uploads: await BlobUploads.open({ folder, blobs, hold, timers: systemTimers }),
    releaseImages: new ReleaseImages({
      images,
      blobs,
      hold,
      releases: { releases: () => [] },
      trainingOf: async () => undefined,
      onTrouble: () => {},
    }),
    audit: { append: async () => {} },
    hold,
    now: () => 0,
  });
  const config = ociDocument(mediaTypes.empty, {});
  const document = ociDocument(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: [],
  });
  const { digest } = config.descriptor;
  const put = () =>
    repositories.put({ kind: "none" }, "tools/x", {
      document,
      manifest: parseManifest(document.bytes, mediaTypes.manifest),
      tag: "1",
    });
  await blobs.put(config.bytes);
  await repositories.link("tools/x", digest);
  await blobs.delete(digest);
  await assert.rejects(put(), { distributionCode: "MANIFEST_BLOB_UNKNOWN", at: digest });
  await blobs.put(config.bytes);
  held.length = 0;
  await put();
  assert.deepEqual(held, [digest]);
  assert.equal(images.resolve("tools/x", { tag: "1" }), document.descriptor.digest);
});
