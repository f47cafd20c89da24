import { create } from "@bufbuild/protobuf";
import type { InferenceServer } from "@selvedge/inference";
import { type EnvelopeBody, InstallReportSchema, limits, SelvedgeError } from "@selvedge/protocol";
import type { Release, TrustStore } from "@selvedge/registry";
import type { BlobKeeper, FileBlobs } from "@selvedge/storage";
import { type BackoffOptions, type BlobChannel, backoffMs } from "@selvedge/transport";
import type { HttpDocuments } from "@selvedge/transport-grpc";
import { fetchBlob } from "../tasks/fetch-blob.ts";
import type { InstalledModel, InstalledModels } from "./installed-models.ts";

export interface ReleaseFollowerOptions {
  readonly trust: Pick<
    TrustStore,
    "isStale" | "newestRelease" | "releaseToInstall" | "releases" | "timestampVersion" | "update"
  >;
  readonly installed: InstalledModels;
  readonly blobs: FileBlobs;
  readonly channel: BlobChannel;
  readonly documents: HttpDocuments;
  readonly inference: Pick<InferenceServer, "deploy">;
  readonly keeper: BlobKeeper;
  /** Sends now or not at all: reports are sent again in each session. */
  send(body: EnvelopeBody): void;
  /** Resolves after `ms`, or as soon as `signal` is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
  onTrouble(what: string, error: SelvedgeError): void;
}

/**
 * Keeps what this device serves at the newest release it may trust: fetches and
 * verifies metadata, then the model, then swaps it in. What is installed goes
 * on being served whatever becomes of the coordinator (SPEC section 9).
 */
export class ReleaseFollower {
  readonly #options: ReleaseFollowerOptions;
  readonly #installed: InstalledModels;
  readonly #stop = new AbortController();
  #last: Promise<void> = Promise.resolve();
  #failures = 0;
  /** By model, why what is installed is not served now. */
  readonly #unserved = new Map<string, SelvedgeError>();
  /** Ends the wait for another attempt. */
  #again = new AbortController();

  constructor(options: ReleaseFollowerOptions) {
    this.#options = options;
    this.#installed = options.installed;
  }

  installed(): readonly InstalledModel[] {
    return this.#installed.all();
  }

  /** Serves what is installed already; needs no coordinator. What cannot be served now is tried again later. */
  async serveInstalled(): Promise<void> {
    this.#lookAgainAfter([await this.#serveInstalled()]);
  }

  /**
   * Looks for newer releases; calls take turns. Never rejects: when the trouble
   * is around us it looks again later, unless it is called before.
   */
  follow(): Promise<void> {
    this.#again.abort();
    this.#last = this.#last.then(async () => {
      const notServed = await this.#serveInstalled();
      const notFollowed = await this.#lookForReleases();
      this.#lookAgainAfter([notServed, notFollowed]);
    });
    return this.#last;
  }

  /** The coordinator has release metadata of this version: looks at it unless it is known. Never rejects. */
  async noticed(timestampVersion: bigint): Promise<void> {
    if (timestampVersion > BigInt(this.#options.trust.timestampVersion())) await this.follow();
  }

  /** Makes sure that trusted metadata is not stale, for what must be verified against it. */
  async ensureFresh(): Promise<void> {
    if (this.#options.trust.isStale()) await this.#refresh();
  }

  /** Tells the coordinator what is served, in each new session. */
  report(): void {
    for (const model of this.#installed.all()) {
      const error = this.#unserved.get(model.name);
      this.#send(model, error === undefined, error?.message ?? "");
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#again.abort();
    await this.#last;
  }

  /** What passes by itself decides whether to look again soon. */
  #lookAgainAfter(errors: readonly (SelvedgeError | undefined)[]): void {
    if (this.#stop.signal.aborted) return;
    if (!errors.some((error) => error?.culprit === "environment")) {
      this.#failures = 0;
      return;
    }
    const { random, sleep } = this.#options;
    this.#failures += 1;
    this.#again = new AbortController();
    const { signal } = this.#again;
    void sleep(backoffMs(this.#failures, random(), retries), signal).then(() => {
      if (!signal.aborted) void this.follow();
    });
  }

  async #serveInstalled(): Promise<SelvedgeError | undefined> {
    const errors: SelvedgeError[] = [];
    try {
      await this.#installed.settle();
    } catch (thrown) {
      // What is being served stays: whether a newer version is installed is not known.
      return SelvedgeError.from(thrown);
    }
    for (const model of this.#installed.all()) {
      if (this.#stop.signal.aborted) break;
      await this.#serve(model).catch((thrown: unknown) => errors.push(SelvedgeError.from(thrown)));
    }
    return passingFirst(errors);
  }

  async #serve(model: InstalledModel): Promise<void> {
    const { blobs, onTrouble } = this.#options;
    try {
      await this.#deploy(model);
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      onTrouble(`serve ${model.name}@${model.version}`, error);
      this.#unserved.set(model.name, error);
      // What the disk has damaged is fetched anew with the next look at the releases.
      if (error.code === "corrupt") await blobs.delete(model.digest);
      throw error;
    }
    if (this.#unserved.delete(model.name)) this.#send(model, true, "");
  }

  async #lookForReleases(): Promise<SelvedgeError | undefined> {
    try {
      await this.#refresh();
      await this.#installNewest();
      return undefined;
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      if (!this.#stop.signal.aborted) this.#options.onTrouble("releases", error);
      return error;
    }
  }

  async #refresh(): Promise<void> {
    const { trust, documents } = this.#options;
    await trust.update((name, bytesMax) =>
      documents.get(`/v1/releases/${name}`, bytesMax, this.#stop.signal),
    );
  }

  /** A model that cannot be installed keeps no other from it. */
  async #installNewest(): Promise<void> {
    const { onTrouble, trust } = this.#options;
    const errors: SelvedgeError[] = [];
    for (const name of new Set(trust.releases().map((release) => release.name))) {
      await this.#bringUp(name).catch((thrown: unknown) => errors.push(SelvedgeError.from(thrown)));
      if (this.#stop.signal.aborted) return;
    }
    const last = passingFirst(errors);
    for (const error of errors) if (error !== last) onTrouble("releases", error);
    if (last !== undefined) throw last;
  }

  async #bringUp(name: string): Promise<void> {
    const release = this.#options.trust.releaseToInstall(name, this.#installed.get(name)?.version);
    if (release !== undefined) await this.#install(release);
    else await this.#restore(name);
  }

  /** Fetch, verify, load beside the old one, swap, and only then remember it as installed. */
  async #install({ name, version, blob }: Release): Promise<void> {
    const { blobs, channel, keeper } = this.#options;
    const model: InstalledModel = { name, version, digest: blob.digest };
    let before: InstalledModel | undefined;
    try {
      before = await keeper.holding(async (holder) => {
        await keeper.hold(holder, blob.digest);
        await fetchBlob(blob, blobs, channel, this.#stop.signal);
        await this.#deploy(model);
        return this.#installed.replace(model);
      });
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      // What arrived of a model whose link broke is gone on with; a model that cannot be used goes.
      if (error.culprit !== "environment") {
        this.#send(model, false, error.message);
        await keeper.discard([blob.digest]);
      }
      throw error;
    }
    this.#unserved.delete(name);
    this.#send(model, true, "");
    // The version before stays, to fall back to; the one before that goes.
    if (before !== undefined) await keeper.discard([before.digest]);
  }

  /** An installed model whose file is gone is fetched again, while its release is the newest. */
  async #restore(name: string): Promise<void> {
    const { blobs, trust } = this.#options;
    const installed = this.#installed.get(name);
    const newest = trust.newestRelease(name);
    if (installed === undefined || newest?.version !== installed.version) return;
    if ((await blobs.stat(installed.digest)) === undefined) await this.#install(newest);
  }

  async #deploy({ name, version, digest }: InstalledModel): Promise<void> {
    const { blobs, inference } = this.#options;
    await inference.deploy({ name, version: String(version), digest, path: blobs.pathOf(digest) });
  }

  #send(model: InstalledModel, serving: boolean, error: string): void {
    const { name, version, digest } = model;
    const value = create(InstallReportSchema, {
      model: name,
      version: BigInt(version),
      digest,
      serving,
      error: error.slice(0, limits.reasonLengthMax),
    });
    this.#options.send({ case: "installReport", value });
  }
}

/** Of several errors, one that passes by itself, if there is one. */
function passingFirst(errors: readonly SelvedgeError[]): SelvedgeError | undefined {
  return errors.find(({ culprit }) => culprit === "environment") ?? errors[0];
}

/** A release that could not be fetched or loaded is tried again after this long. */
const retries: BackoffOptions = { initialMs: 10_000, maximumMs: 600_000, factor: 2 };
