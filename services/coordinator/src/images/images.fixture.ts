import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type BlobReference, digestOf } from "@selvedge/protocol";
import {
  addRelease,
  mediaTypes,
  type OciDocument,
  ociDocument,
  RegistryClient,
  readKeyFile,
} from "@selvedge/registry";
import { createHttpBlobChannel } from "@selvedge/transport-grpc";
import type { RunningCoordinator } from "../coordinator.fixture.ts";

/** Uploads a model and releases it; no job made it. */
export async function releaseModel(
  { adminToken, admin, ca, coordinator, folder }: RunningCoordinator,
  name: string,
  model: Uint8Array,
): Promise<BlobReference> {
  const blob = { digest: digestOf(model), length: model.length };
  const headers = { authorization: `Bearer ${adminToken}` };
  const channel = createHttpBlobChannel({ url: coordinator.url, tls: { ca }, headers });
  async function* part(start: number, end: number) {
    yield model.subarray(start, end);
  }
  await channel.upload(blob, part, AbortSignal.timeout(20_000));
  channel.close();
  const key = await readKeyFile(join(folder, "release-keys", "release.key"));
  const { targets } = await admin.getReleaseMetadata({});
  const added = addRelease(targets, { name, job: "job-1", blob }, key, Date.now());
  await admin.publishRelease({ targets: added.targets });
  return blob;
}

/** Pushes a runtime of one small layer for two architectures. */
export async function pushRuntime(
  client: RegistryClient,
  content = "node and the server",
): Promise<OciDocument> {
  const repository = "selvedge/runtime";
  const push = async (bytes: Uint8Array): Promise<void> => {
    const blob = { digest: digestOf(bytes), length: bytes.length };
    await client.pushBlob(repository, {
      ...blob,
      async *stream() {
        yield bytes;
      },
    });
  };
  const manifests: OciDocument["descriptor"][] = [];
  for (const architecture of ["amd64", "arm64"]) {
    const tar = Buffer.from(`${content} ${architecture}`);
    const layer = gzipSync(tar);
    const platform = { architecture, os: "linux" };
    const config = ociDocument(mediaTypes.config, {
      ...platform,
      config: { Entrypoint: ["/node"] },
      rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    });
    await push(layer);
    await push(config.bytes);
    const manifest = ociDocument(
      mediaTypes.manifest,
      {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: config.descriptor,
        layers: [{ mediaType: mediaTypes.gzipLayer, digest: digestOf(layer), size: layer.length }],
      },
      { platform },
    );
    await client.putManifest(repository, manifest.descriptor.digest, manifest);
    manifests.push(manifest.descriptor);
  }
  const index = ociDocument(mediaTypes.index, { schemaVersion: 2, mediaType: mediaTypes.index, manifests });
  await client.putManifest(repository, "latest", index);
  return index;
}

/** A registry's client that calls as the first admin. */
export function registryClientOf({ adminToken, ca, coordinator }: RunningCoordinator): RegistryClient {
  return new RegistryClient({ url: new URL(coordinator.url), ca, user: "admin", password: adminToken });
}
