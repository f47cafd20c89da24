import { isDigest, SelvedgeError } from "@selvedge/protocol";
import {
  type Descriptor,
  type ImageConfig,
  type ImageStore,
  parseManifest,
  type RuntimeImage,
  type RuntimePlatform,
} from "@selvedge/registry";

/** Where `selvedge image base` puts what models run on. */
export const runtimeRepository = "selvedge/runtime";

/**
 * The runtime that images are made on from now on; undefined while there is none.
 *
 * @throws SelvedgeError `corrupt` when it is not an image for Linux.
 */
export async function readRuntime(images: ImageStore): Promise<RuntimeImage | undefined> {
  const found = await images.manifest(runtimeRepository, { tag: "latest" });
  if (found === undefined) return undefined;
  const { digest, mediaType } = found.descriptor;
  const parsed = parseManifest(found.bytes, mediaType);
  const manifests = parsed.blobs.length > 0 ? [found.descriptor] : parsed.manifests;
  const platforms = await Promise.all(manifests.map((manifest) => readPlatform(images, manifest)));
  return { digest, platforms: platforms.filter((one) => one !== undefined) };
}

/** undefined for what is beside the images, such as attestations. */
async function readPlatform(
  images: ImageStore,
  { digest }: Descriptor,
): Promise<RuntimePlatform | undefined> {
  const found = await images.manifest(runtimeRepository, { digest });
  const [config, ...layers] =
    found === undefined ? [] : parseManifest(found.bytes, found.descriptor.mediaType).blobs;
  const blob = config && (await images.blob(runtimeRepository, config.digest));
  if (blob === undefined || blob.length > configBytesMax) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of blob.stream(0, blob.length)) chunks.push(chunk);
  const parsed = parseConfig(Buffer.concat(chunks).toString("utf8"));
  return parsed.os === "linux" ? { layers, config: parsed } : undefined;
}

function parseConfig(text: string): ImageConfig {
  try {
    const value: ImageConfig = JSON.parse(text);
    const isWhole =
      typeof value.architecture === "string" && value.rootfs.diff_ids.every((one) => isDigest(one));
    if (isWhole) return value;
  } catch {
    // Said below.
  }
  throw new SelvedgeError("corrupt", "the runtime's configuration is not one of an image", {
    at: `${runtimeRepository}:latest`,
    fix: "push another one: selvedge image base build",
  });
}

const configBytesMax = 1_048_576;
