import type { Digest } from "@selvedge/protocol";
import type { BlobUploads } from "./blob-uploads.ts";
import type { OciDocument } from "./descriptor.ts";
import type { Reference } from "./distribution-path.ts";
import type { ImageStore, StoredBlob } from "./image-store.ts";
import type { Manifest } from "./manifest.ts";

/** A registry's repositories, and who may do what with them: what the protocol is served from. */
export interface Repositories<Principal> {
  readonly images: ImageStore;
  readonly uploads: BlobUploads;
  /**
   * @param repository - undefined where a client asks whether it has to say who it is.
   * @throws SelvedgeError `unauthenticated`, `permission_denied`.
   */
  checkPull(principal: Principal, repository: string | undefined): void;
  /** Makes what is only made when it is asked for. */
  prepare(repository: string): Promise<void>;
  /** What to do so that a manifest be there. */
  whyNoManifest(repository: string): string | undefined;
  /** A blob that a manifest of the repository names, or that was pushed to it of late. */
  blob(repository: string, digest: Digest): Promise<StoredBlob | undefined>;
  /** Whether anything was put into it. */
  has(repository: string): boolean;
  /** Remembers that a blob was pushed to a repository, until a manifest names it. */
  link(repository: string, digest: Digest): Promise<void>;
  /** @throws DistributionError `DENIED` for a tag or repository that nobody may push. */
  checkReference(repository: string, reference: Reference): void;
  /** @throws DistributionError `MANIFEST_BLOB_UNKNOWN`, `DENIED` for a manifest that nobody may push there. */
  put(principal: Principal, repository: string, pushed: PushedManifest): Promise<void>;
}

export interface PushedManifest {
  readonly manifest: Manifest;
  readonly document: OciDocument;
  readonly tag: string | undefined;
}
