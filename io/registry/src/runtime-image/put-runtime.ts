import { SelvedgeError } from "@selvedge/protocol";
import { type Descriptor, mediaTypes, type OciDocument } from "../oci/descriptor.ts";
import { jsonObject, parseManifest } from "../oci/manifest.ts";
import { ociDocument } from "../oci/oci-document.ts";
import { copyImage, type ImageSource, type ImageTarget } from "../oci/oci-layout.ts";
import type { BuiltImage } from "./build-runtime.ts";

/** Puts a runtime for one architecture. @returns the index that the tag names. */
export async function putRuntime(
  { config, layers, manifest }: BuiltImage,
  target: ImageTarget,
  tag: string,
): Promise<OciDocument> {
  for (const { bytes, descriptor } of [...layers, config])
    await target.putBlob(descriptor, () => once(bytes));
  await target.putManifest(manifest, undefined);
  return await putIndex([manifest.descriptor], target, tag);
}

/**
 * Makes one runtime of images that were brought from elsewhere, each for other architectures.
 *
 * @throws SelvedgeError `invalid_argument` for one that is not for Linux, says no entry point, or is for an
 *   architecture that another is for
 */
export async function importRuntime(
  sources: readonly ImageSource[],
  target: ImageTarget,
  tag: string,
): Promise<OciDocument> {
  const found: Descriptor[] = [];
  for (const source of sources) {
    const top = await source.manifest("");
    const { blobs, manifests } = parseManifest(top.bytes, top.descriptor.mediaType);
    const images = blobs.length > 0 ? [top.descriptor] : manifests;
    for (const { digest } of images) {
      const descriptor = await copyPlatform(source, digest, target);
      if (descriptor !== undefined) found.push(descriptor);
    }
  }
  const architectures = found.map(({ platform }) => platform?.architecture);
  if (found.length === 0 || new Set(architectures).size < found.length) {
    throw new SelvedgeError(
      "invalid_argument",
      `a runtime is one image for each architecture, not ${architectures}`,
      {
        fix: "give images for Linux, each for another architecture",
      },
    );
  }
  return await putIndex(found, target, tag);
}

/** undefined for what is beside an image, such as an attestation. */
async function copyPlatform(
  source: ImageSource,
  digest: Descriptor["digest"],
  target: ImageTarget,
): Promise<Descriptor | undefined> {
  const { bytes, descriptor } = await source.manifest(digest);
  const [config] = parseManifest(bytes, descriptor.mediaType).blobs;
  if (config === undefined || !/image\.(config|v1)/.test(config.mediaType)) return undefined;
  const { architecture, config: run, os } = jsonObject(await readAll(source.blob(config.digest)));
  if (os !== "linux" || typeof architecture !== "string") return undefined;
  const entry = typeof run === "object" && run !== null && "Entrypoint" in run ? run.Entrypoint : undefined;
  if (!Array.isArray(entry) || entry.length === 0) {
    throw new SelvedgeError("invalid_argument", "the image has no entry point that would serve a model", {
      at: digest,
      fix: "give one that serves /models, such as the target inference of deploy/containers/Containerfile",
    });
  }
  await copyImage(source, digest, target);
  return { ...descriptor, platform: { architecture, os } };
}

async function putIndex(
  manifests: readonly Descriptor[],
  target: ImageTarget,
  tag: string,
): Promise<OciDocument> {
  const sorted = manifests.toSorted((a, b) => (platformOf(a) < platformOf(b) ? -1 : 1));
  const index = ociDocument(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: sorted,
  });
  await target.putManifest(index, tag);
  return index;
}

function platformOf({ platform }: Descriptor): string {
  return platform?.architecture ?? "";
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
