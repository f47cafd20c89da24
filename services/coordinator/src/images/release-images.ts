import type { BlobReference, Digest } from "@selvedge/protocol";
import {
  type ImageStore,
  modelLayer,
  modelPack,
  type OciDocument,
  provenance,
  type Release,
  type ReleaseImage,
  type ReleaseRepository,
  referenceOfSegments,
  releaseImage,
  type TrainingRecord,
} from "@selvedge/registry";
import { type BlobStore, KeyedQueue } from "@selvedge/storage";
import { readRuntime } from "./runtime-image.ts";

export interface ReleaseImagesOptions {
  readonly images: ImageStore;
  readonly blobs: BlobStore;
  readonly releases: Pick<ReleaseRepository, "releases">;
  /** undefined when the job is not known any more. */
  trainingOf(release: Release): Promise<TrainingRecord | undefined>;
  /** Keeps a blob a while, though nothing names it yet. */
  hold(digest: Digest): Promise<void>;
  /** @param release - NAME@VERSION, which is tried again when it is next asked for. */
  onTrouble(error: unknown, release: string): void;
}

/**
 * Makes each release an image, a ModelPack and a statement of where it comes
 * from: after it was published, or when it is first asked for. An image stays
 * on the runtime that it was made on.
 */
export class ReleaseImages {
  readonly #options: ReleaseImagesOptions;
  /** Each model's by itself. */
  readonly #turns = new KeyedQueue();

  constructor(options: ReleaseImagesOptions) {
    this.#options = options;
  }

  /** Makes what is missing in the background. */
  prepareAll(): void {
    const names = new Set(this.#options.releases.releases().map(({ name }) => name));
    for (const name of names) void this.prepare(name);
  }

  /** Resolves when all releases of this name are there, as far as they can be made. */
  prepare(name: string): Promise<void> {
    return this.#turns.run(name, async () => {
      const { images, onTrouble, releases } = this.#options;
      const all = releases.releases().filter((release) => release.name === name);
      const incomplete = all.filter(({ version }) =>
        imageTags(version).some((tag) => !has(images, name, tag)),
      );
      for (const release of incomplete) {
        const position = { parent: all[all.indexOf(release) - 1], isNewest: release === all.at(-1) };
        try {
          await this.#make(release, position);
        } catch (thrown) {
          onTrouble(thrown, `${name}@${release.version}`);
        }
      }
    });
  }

  /** Until what is under way has ended. */
  async stop(): Promise<void> {
    await this.#turns.drained();
  }

  async #make(release: Release, { parent, isNewest }: Position): Promise<void> {
    const { blobs, images, trainingOf } = this.#options;
    const runtime = await readRuntime(images);
    if (runtime === undefined && has(images, release.name, packTag(release.version))) return;
    const layer = await referenceOfSegments(modelLayer(release), blobs);
    const training = await trainingOf(release);
    const createdAtMs = training?.finishedAtMs ?? 0;
    const pack = modelPack(release, layer, createdAtMs);
    const image = runtime && releaseImage({ release, layer, runtime, createdAtMs });
    const subjects = subjectsOf(image, pack.manifest);
    const origin = training && provenance(release, subjects, training, parent);
    const documents = [
      pack.config,
      ...(image?.configs ?? []),
      ...(origin ? [origin.statement, origin.config] : []),
    ];
    for (const document of documents) await this.#put(document);
    await images.add(release.name, {
      layers: new Map([[layer.digest, release]]),
      manifests: [
        pack.manifest,
        ...(image ? [...image.manifests, image.index] : []),
        ...(origin ? [origin.manifest] : []),
      ],
      tags: {
        [packTag(release.version)]: pack.manifest.descriptor.digest,
        ...(image && { [String(release.version)]: image.index.descriptor.digest }),
        ...(image && isNewest && { latest: image.index.descriptor.digest }),
      },
    });
  }

  async #put({ bytes, descriptor }: OciDocument): Promise<BlobReference> {
    await this.#options.hold(descriptor.digest);
    return await this.#options.blobs.put(bytes);
  }
}

interface Position {
  readonly parent: Release | undefined;
  readonly isNewest: boolean;
}

/** What is pulled is the index, and then one of its manifests. */
function subjectsOf(
  image: ReleaseImage | undefined,
  pack: OciDocument,
): readonly OciDocument["descriptor"][] {
  if (image === undefined) return [pack.descriptor];
  return [image.index, ...image.manifests, pack].map(({ descriptor }) => descriptor);
}

function imageTags(version: number): readonly string[] {
  return [String(version), packTag(version)];
}

function packTag(version: number): string {
  return `${version}-modelpack`;
}

function has(images: ImageStore, name: string, tag: string): boolean {
  return images.resolve(name, { tag }) !== undefined;
}
