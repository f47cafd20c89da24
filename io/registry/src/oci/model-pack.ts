import type { BlobReference } from "@selvedge/protocol";
import type { Release } from "../release.ts";
import { mediaTypes, type OciDocument } from "./descriptor.ts";
import { modelPath } from "./model-layer.ts";
import { ociDocument } from "./oci-document.ts";
import { releaseAnnotations } from "./release-image.ts";

/** Media types of the CNCF's ModelPack (modelpack/model-spec v0.0.7). */
const modelPackTypes = {
  artifact: "application/vnd.cncf.model.manifest.v1+json",
  config: "application/vnd.cncf.model.config.v1+json",
  weightTar: "application/vnd.cncf.model.weight.v1.tar",
} as const;

export interface ModelPack {
  readonly manifest: OciDocument;
  readonly config: OciDocument;
}

/** The model alone, for tools that take models and run them themselves: its one layer is that of the image. */
export function modelPack(release: Release, layer: BlobReference, createdAtMs: number): ModelPack {
  const { name, version } = release;
  const config = ociDocument(modelPackTypes.config, {
    descriptor: { createdAt: new Date(createdAtMs).toISOString(), name, version: String(version) },
    config: { format: "onnx" },
    modelfs: { type: "layers", diffIds: [layer.digest] },
  });
  const manifest = ociDocument(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: modelPackTypes.artifact,
    config: config.descriptor,
    layers: [
      {
        mediaType: modelPackTypes.weightTar,
        digest: layer.digest,
        size: layer.length,
        annotations: { "org.cncf.model.filepath": modelPath(release) },
      },
    ],
    annotations: releaseAnnotations(release, createdAtMs),
  });
  return { manifest, config };
}
