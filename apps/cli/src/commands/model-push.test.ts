import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { digestOf } from "@selvedge/protocol";
import {
  addRelease,
  type Descriptor,
  mediaTypes,
  OciLayout,
  ociDocument,
  RegistryClient,
  readKeyFile,
} from "@selvedge/registry";
import { forSuite } from "../for-suite.fixture.ts";
import { withOperator } from "../operator/operator-session.ts";
import { type RunningCoordinator, startCoordinator } from "../running-coordinator.fixture.ts";
import { createTerminal, now } from "../terminal.fixture.ts";

suite("selvedge model push", () => {
  const source = forSuite(startCoordinator);
  // Another fleet's port is a registry as any other.
  const target = forSuite(startCoordinator);

  test("[OC11] a model's image is in the other registry, byte for byte, under the tag that was asked for", async () => {
    const { folder, run } = source();
    const model = Buffer.from("an ONNX file");
    await release(source(), model);
    await writeRuntime(join(folder, "runtime"));
    const imported = await run("image base import runtime --state hub");
    assert.equal(imported.code, 0, imported.stderr);
    const { ca, token } = await operatorOf(target());
    await writeFile(join(folder, "ca.crt"), ca);
    await writeFile(join(folder, "password.txt"), `${token}\n`);
    const { host } = new URL(target().url);
    const push = (place: string) =>
      run(
        `model push digits oci://${host}/${place} --ca ca.crt --user ci --password-file password.txt --state hub`,
      );
    const pushed = await push("models/digits");
    assert.equal(pushed.stderr, "");
    const { digest } = JSON.parse((await run("model show digits --json --state hub")).stdout).image;
    assert.equal(pushed.stdout, `${host}/models/digits:1 (${digest})\n`);
    assert.match((await push("models/digits:stable")).stdout, /\/models\/digits:stable \(sha256:/);

    const registry = new RegistryClient({ url: new URL(target().url), ca, user: "x", password: token });
    for (const tag of ["1", "stable"])
      assert.equal((await registry.manifest("models/digits", tag)).descriptor.digest, digest);
    const index = JSON.parse(text((await registry.manifest("models/digits", digest)).bytes));
    const manifest = await registry.manifest("models/digits", index.manifests[0].digest);
    const { layers } = JSON.parse(text(manifest.bytes));
    const chunks: Uint8Array[] = [];
    for await (const chunk of registry.blob("models/digits", layers.at(-1).digest)) chunks.push(chunk);
    assert.equal(digestOf(Buffer.concat(chunks)), layers.at(-1).digest);
    assert.ok(Buffer.concat(chunks).includes(model));

    const refused = await push("digits");
    assert.deepEqual([refused.code, /is for releases of the model/.test(refused.stderr)], [4, true]);
    const stranger = await run(`model push digits oci://${host}/models/digits --ca ca.crt --state hub`);
    assert.deepEqual([stranger.code, /it wants to know who calls/.test(stranger.stderr)], [4, true]);
    // Clouds' registries take tokens of thousands of characters.
    await writeFile(join(folder, "password.txt"), "x".repeat(4_000));
    assert.equal((await push("models/digits")).code, 4);
    await writeFile(join(folder, "password.txt"), "x".repeat(20_000));
    const long = await push("models/digits");
    assert.deepEqual([long.code, /this is too long for a password/.test(long.stderr)], [2, true]);
  });
});

async function operatorOf({
  folder,
}: RunningCoordinator): Promise<{ readonly ca: string; readonly token: string }> {
  return JSON.parse(await readFile(join(folder, "hub", "operator.json"), "utf8"));
}

/** Without a job that trained it. */
async function release({ folder }: RunningCoordinator, model: Uint8Array): Promise<void> {
  const { terminal } = createTerminal({ workingFolder: folder });
  const key = await readKeyFile(join(folder, "hub", "release-keys", "release.key"));
  const blob = { digest: digestOf(model), length: model.length };
  async function* part(start: number, end: number) {
    yield model.subarray(start, end);
  }
  await withOperator(terminal, { state: "hub" }, async ({ blobs, client }) => {
    await blobs.upload(blob, part, terminal.interrupted);
    const { targets } = await client.getReleaseMetadata({});
    await client.publishRelease(addRelease(targets, { name: "digits", job: "job-1", blob }, key, now));
  });
}

/** One small layer with an entry point. */
async function writeRuntime(folder: string): Promise<void> {
  const layout = await OciLayout.create(folder);
  const put = async (bytes: Uint8Array, descriptor: Descriptor) => {
    await layout.putBlob(descriptor, async function* () {
      yield bytes;
    });
    return descriptor;
  };
  const tar = Buffer.from("node and the server");
  const layer = gzipSync(tar);
  const platform = { architecture: "amd64", os: "linux" };
  const config = ociDocument(mediaTypes.config, {
    ...platform,
    config: { Entrypoint: ["/node"] },
    rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
  });
  await layout.putManifest(
    ociDocument(mediaTypes.manifest, {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: await put(config.bytes, config.descriptor),
      layers: [
        await put(layer, { mediaType: mediaTypes.gzipLayer, digest: digestOf(layer), size: layer.length }),
      ],
    }),
    "latest",
  );
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}
