import type { Digest } from "@selvedge/protocol";

/** Media types of OCI image-spec v1.1, and those of Docker that older tools push. */
export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  gzipLayer: "application/vnd.oci.image.layer.v1.tar+gzip",
  empty: "application/vnd.oci.empty.v1+json",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
} as const;

/** What one document says of another (image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Platform {
  /** As Go names them: amd64, arm64. */
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
}

/** Bytes and what they are: a manifest, an index, a configuration. */
export interface OciDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}
