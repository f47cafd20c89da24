import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "@selvedge/protocol";
import { mediaTypes } from "./descriptor.ts";
import { parseManifest } from "./manifest.ts";
import { ociDocument } from "./oci-document.ts";
import { provenance } from "./provenance.ts";

test("[OC8] the statement names image and model by digest, and says how the model was made without naming a device", () => {
  const release = {
    name: "digits",
    version: 3,
    job: "job-7",
    blob: { digest: digestOf(Buffer.from("3")), length: 9 },
  };
  const parent = { ...release, version: 2, blob: { digest: digestOf(Buffer.from("2")), length: 9 } };
  const image = ociDocument(mediaTypes.index, { manifests: [] });
  const training = {
    job: "job-7",
    plan: digestOf(Buffer.from("plan")),
    signer: "ed25519:1",
    startedAtMs: 0,
    finishedAtMs: 60_000,
    roundsCompleted: 8,
    roundsFailed: 1,
    devices: 10,
    contributions: 79,
    metrics: { accuracy: 0.95 },
    graph: digestOf(Buffer.from("graph")),
  };
  const { manifest, statement } = provenance(release, [image.descriptor], training, parent);
  const parsed = parseManifest(manifest.bytes, mediaTypes.manifest);
  assert.equal(parsed.subject, image.descriptor.digest);
  assert.equal(parsed.artifactType, "application/vnd.in-toto+json");
  assert.equal(parsed.blobs[1]?.digest, statement.descriptor.digest);
  const { _type, subject, predicate } = JSON.parse(Buffer.from(statement.bytes).toString());
  assert.equal(_type, "https://in-toto.io/Statement/v1");
  assert.deepEqual(
    subject.map(({ digest }: { digest: { sha256: string } }) => `sha256:${digest.sha256}`),
    [image.descriptor.digest, release.blob.digest],
  );
  assert.equal(predicate.job.id, "job-7");
  assert.deepEqual(predicate.rounds, { completed: 8, failed: 1 });
  assert.deepEqual(predicate.participants, { devices: 10, contributions: 79 });
  assert.deepEqual(predicate.metrics, { accuracy: 0.95 });
  assert.deepEqual(predicate.parent, { version: 2, digest: parent.blob.digest });
});
