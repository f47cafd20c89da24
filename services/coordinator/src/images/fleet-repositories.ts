import { type Digest, namePattern } from "@selvedge/protocol";
import {
  type BlobUploads,
  DistributionError,
  type ImageStore,
  type PushedManifest,
  type Reference,
  type Repositories,
  type StoredBlob,
} from "@selvedge/registry";
import { actorOf } from "../audit/actor-of.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { Principal } from "../identity/principal.ts";
import { RecentPushes } from "./recent-pushes.ts";
import type { ReleaseImages } from "./release-images.ts";
import { runtimeRepository } from "./runtime-image.ts";

export interface FleetRepositoriesOptions {
  readonly images: ImageStore;
  readonly uploads: BlobUploads;
  readonly releaseImages: ReleaseImages;
  readonly audit: Pick<AuditLog, "append">;
  /** Keeps a blob a while, though no manifest names it yet. */
  hold(digest: Digest): Promise<void>;
  /** Unix milliseconds. */
  now(): number;
}

/**
 * The repositories of a fleet. Those of one word are the models': releases fill
 * them, and only signatures by their tag and artifacts with a subject may be
 * pushed. All others are the operators'.
 */
export class FleetRepositories implements Repositories<Principal> {
  readonly images: ImageStore;
  readonly uploads: BlobUploads;
  readonly #options: FleetRepositoriesOptions;
  readonly #pushes: RecentPushes;

  constructor(options: FleetRepositoriesOptions) {
    this.#options = options;
    this.images = options.images;
    this.uploads = options.uploads;
    this.#pushes = new RecentPushes(options.now);
  }

  checkPull(principal: Principal, repository: string | undefined): void {
    if (repository !== undefined && this.images.isPublic(repository)) return;
    switch (principal.kind) {
      case "device":
      case "operator":
        return;
      case "barred-device":
      case "pending-device":
        throw new DistributionError("DENIED", "this device is not a member of the fleet");
      default:
        throw new DistributionError("UNAUTHORIZED", "images of this fleet are for its members", {
          fix: "log in with an operator's token as the password, or use a device's certificate",
        });
    }
  }

  async prepare(repository: string): Promise<void> {
    if (isModel(repository)) await this.#options.releaseImages.prepare(repository);
  }

  whyNoManifest(repository: string): string | undefined {
    if (!isModel(repository)) return undefined;
    return this.images.resolve(runtimeRepository, { tag: "latest" }) === undefined
      ? "give the fleet a runtime: selvedge image base build"
      : "see `selvedge model list`; when it has this version, the coordinator's log says why it is no image";
  }

  async blob(repository: string, digest: Digest): Promise<StoredBlob | undefined> {
    const isThere = this.#hasBlob(repository, digest);
    return isThere ? await this.images.blobAnywhere(digest) : undefined;
  }

  has(repository: string): boolean {
    return this.images.has(repository) || this.#pushes.hasAny(repository);
  }

  async link(repository: string, digest: Digest): Promise<void> {
    await this.#options.hold(digest);
    this.#pushes.add(repository, digest);
  }

  checkReference(repository: string, reference: Reference): void {
    const isOurs = isModel(repository) && "tag" in reference && !/^sha256-/.test(reference.tag);
    if (isOurs) throw notTheirs(repository);
  }

  async put(
    principal: Principal,
    repository: string,
    { document, manifest, tag }: PushedManifest,
  ): Promise<void> {
    if (isModel(repository) && tag === undefined && manifest.subject === undefined)
      throw notTheirs(repository);
    const { digest } = document.descriptor;
    const held = await this.#holdBlobs(repository, manifest);
    this.images.checkWhole(repository, manifest, (blob) => held.has(blob));
    await this.#options.audit.append({
      actor: actorOf(principal, ""),
      action: "push-image",
      subject: tag === undefined ? repository : `${repository}:${tag}`,
      detail: { digest },
    });
    await this.images.add(repository, {
      manifests: [document],
      tags: tag === undefined ? {} : { [tag]: digest },
    });
    this.#pushes.forget(repository, held);
    if (repository === runtimeRepository) this.#options.releaseImages.prepareAll();
  }

  /** Blobs of a manifest that are there, and stay until it names them. */
  async #holdBlobs(repository: string, { blobs }: PushedManifest["manifest"]): Promise<ReadonlySet<Digest>> {
    const held = new Set<Digest>();
    for (const { digest } of blobs) {
      if (!this.#hasBlob(repository, digest)) continue;
      await this.#options.hold(digest);
      // What was pushed long ago may have been swept.
      if ((await this.images.blobAnywhere(digest)) !== undefined) held.add(digest);
    }
    return held;
  }

  #hasBlob(repository: string, digest: Digest): boolean {
    return this.images.names(repository, digest) || this.#pushes.has(repository, digest);
  }
}

function notTheirs(repository: string): DistributionError {
  return new DistributionError("DENIED", `"${repository}" is for releases of the model of that name`, {
    fix: "push to a repository of two words, such as tools/NAME, or what has an image of the model as its subject",
  });
}

function isModel(repository: string): boolean {
  return namePattern.test(repository);
}
