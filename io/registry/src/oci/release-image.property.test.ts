import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "@selvedge/protocol";
import fc from "fast-check";
import type { Release } from "../release.ts";
import { mediaTypes } from "./descriptor.ts";
import { parseManifest } from "./manifest.ts";
import { modelLayer, referenceOfSegments } from "./model-layer.ts";
import { modelPack } from "./model-pack.ts";
import { type ReleaseImageOptions, type RuntimeImage, releaseImage } from "./release-image.ts";
import { tarArchive } from "./tar-archive.ts";

const digests = fc.uint8Array({ minLength: 1, maxLength: 8 }).map(digestOf);
const releases: fc.Arbitrary<Release> = fc.record({
  name: fc.stringMatching(/^[a-z0-9]{1,20}$/),
  version: fc.integer({ min: 1, max: 1_000_000 }),
  job: fc.stringMatching(/^[a-z0-9]{1,20}$/),
  blob: fc.record({ digest: digests, length: fc.integer({ min: 1, max: 2 ** 32 }) }),
});
const runtimes: fc.Arbitrary<RuntimeImage> = fc.record({
  digest: digests,
  platforms: fc.array(
    fc.record({
      layers: fc.array(
        fc.record({ mediaType: fc.constant(mediaTypes.gzipLayer), digest: digests, size: fc.nat() }),
      ),
      config: fc.record({
        architecture: fc.constantFrom("amd64", "arm64"),
        os: fc.constant("linux"),
        rootfs: fc.record({ type: fc.constant("layers" as const), diff_ids: fc.array(digests) }),
      }),
    }),
    { minLength: 1, maxLength: 2 },
  ),
});
const images: fc.Arbitrary<ReleaseImageOptions> = fc.record({
  release: releases,
  layer: fc.record({ digest: digests, length: fc.nat() }),
  runtime: runtimes,
  createdAtMs: fc.nat(2 ** 41),
});

test("[OC6] equal releases on equal runtimes have equal digests, others have others", () => {
  const digestIn = (options: ReleaseImageOptions) => releaseImage(options).index.descriptor.digest;
  fc.assert(
    fc.property(images, images, (one, other) => {
      assert.equal(digestIn(one), digestIn(structuredClone(one)));
      const isSame = JSON.stringify(one) === JSON.stringify(other);
      assert.equal(digestIn(one) === digestIn(other), isSame);
    }),
  );
});

test("[OC6] every manifest names its configuration and layers, each with its diff id", () => {
  fc.assert(
    fc.property(images, (options) => {
      const { configs, index, manifests } = releaseImage(options);
      assert.deepEqual(
        parseManifest(index.bytes, mediaTypes.index).manifests.map(({ digest }) => digest),
        manifests.map(({ descriptor }) => descriptor.digest),
      );
      for (const [at, manifest] of manifests.entries()) {
        const [config, ...layers] = parseManifest(manifest.bytes, mediaTypes.manifest).blobs;
        assert.equal(config?.digest, configs[at]?.descriptor.digest);
        assert.equal(layers.at(-1)?.digest, options.layer.digest);
        const { rootfs } = JSON.parse(Buffer.from(configs[at]?.bytes ?? []).toString());
        assert.equal(rootfs.diff_ids.at(-1), options.layer.digest);
      }
      const pack = modelPack(options.release, options.layer, options.createdAtMs);
      assert.equal(
        parseManifest(pack.manifest.bytes, mediaTypes.manifest).blobs[1]?.digest,
        options.layer.digest,
      );
    }),
  );
});

test("[OC6] an archive is the same in whatever order its entries come", async () => {
  const paths = fc.uniqueArray(fc.stringMatching(/^[a-z0-9/]{1,60}[a-z]$/), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(paths, fc.infiniteStream(fc.nat()), async (names, random) => {
      const entries = names.map((path) => ({ path, mode: 0o644, content: Buffer.from(path) }));
      const keyed = entries.map((entry) => ({ entry, key: random.next().value }));
      const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ entry }) => entry);
      assert.deepEqual(tarArchive(shuffled), tarArchive(entries));
    }),
  );
});

test("[OC6] a model's layer depends on its bytes, name and version alone", async () => {
  const content = Buffer.from("model");
  const blob = { digest: digestOf(content), length: content.length };
  const blobs = {
    async *stream(_: string, start: number, end: number) {
      yield content.subarray(start, end);
    },
  };
  const layerOf = (version: number) =>
    referenceOfSegments(modelLayer({ name: "digits", version, blob }), blobs);
  assert.deepEqual(await layerOf(1), await layerOf(1));
  assert.notEqual((await layerOf(1)).digest, (await layerOf(2)).digest);
});
