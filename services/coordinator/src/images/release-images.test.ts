import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { ImageStore, type Release } from "@selvedge/registry";
import { openMemoryBlobStore, openMemoryStore } from "@selvedge/storage";
import { ReleaseImages } from "./release-images.ts";

test("a release whose model is lost is told of, and the others of its name become images", async () => {
  const blobs = openMemoryBlobStore();
  const images = await ImageStore.open(openMemoryStore(), blobs);
  const releaseOf = (version: number, model: string): Release => {
    const bytes = Buffer.from(model);
    return { name: "digits", version, job: "job-1", blob: { digest: digestOf(bytes), length: bytes.length } };
  };
  const releases = [releaseOf(1, "lost"), releaseOf(2, "there")];
  await blobs.put(Buffer.from("there"));
  const troubles: string[] = [];
  const releaseImages = new ReleaseImages({
    images,
    blobs,
    releases: { releases: () => releases },
    trainingOf: async () => undefined,
    hold: async () => {},
    onTrouble: (error, release) => troubles.push(`${release}: ${SelvedgeError.from(error).code}`),
  });
  await releaseImages.prepare("digits");
  assert.deepEqual(images.tags("digits"), ["2-modelpack"]);
  assert.deepEqual(troubles, ["digits@1: not_found"]);
});
