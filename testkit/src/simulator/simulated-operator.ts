import { type BlobReference, type Digest, digestOf, hasEnded, SelvedgeError } from "@selvedge/protocol";
import { addRelease } from "@selvedge/registry";
import type { Revocation, SimulatedJob } from "./fleet-plan.ts";
import type { SimulatedCoordinator } from "./simulated-coordinator.ts";
import { jobRequest, modelBytes } from "./simulated-job.ts";
import type { NodeParts } from "./simulated-node.ts";
import { releaseKeys } from "./simulated-releases.ts";

/** What all models of the fleet are released as, each as the next version. */
export const modelName = "readings";

/** A person with the command: repeats what was not answered until it is. */
export class SimulatedOperator {
  readonly #parts: NodeParts;
  readonly #coordinator: SimulatedCoordinator;
  /** What is still to be done. */
  readonly #plans = new Set<string>();
  /** Digests by version, as far as they are known to be published. */
  readonly #published = new Map<number, Digest>();

  constructor(parts: NodeParts, coordinator: SimulatedCoordinator) {
    this.#parts = parts;
    this.#coordinator = coordinator;
  }

  /** What is still to be done; empty = the operator is content. */
  get plans(): readonly string[] {
    return [...this.#plans];
  }

  /** Newest version known to be published; undefined = none. */
  get newestRelease(): number | undefined {
    return this.#published.size === 0 ? undefined : Math.max(...this.#published.keys());
  }

  get releasedDigests(): Iterable<Digest> {
    return this.#published.values();
  }

  /** Runs the job, and releases what comes of it. */
  runs(job: SimulatedJob): void {
    const { id, cancelledAfter, submittedAfter } = job;
    this.#plan(`run ${id}`, submittedAfter, () => this.#submit(job));
    if (cancelledAfter !== undefined) {
      this.#plan(`cancel ${id}`, submittedAfter + cancelledAfter, () => this.#cancel(id));
    }
    this.#plan(`release ${id}`, submittedAfter, () => this.#releaseResult(id));
  }

  /** Puts a device out of the fleet. */
  revokes({ device, after }: Revocation): void {
    const { rounds } = this.#parts.observer;
    this.#plan(`revoke ${device}`, after, async () => {
      rounds.revoking(device);
      await this.#coordinator.answer(({ session }) => session.admission.revoke(device, "it was sold"));
      rounds.revoked(device);
      return true;
    });
  }

  /** Releases the model that all jobs start from. */
  releasesFirst(afterMs: number): void {
    this.#plan("release the first model", afterMs, async () => {
      const blob = await this.#coordinator.answer(async ({ blobs, session }) => {
        await session.hold(digestOf(modelBytes));
        return blobs.put(modelBytes);
      });
      return this.#release("none", blob);
    });
  }

  /** @param attempt false = try again later. */
  #plan(what: string, afterMs: number, attempt: () => Promise<boolean>): void {
    const { time, trace } = this.#parts;
    this.#plans.add(what);
    const tryIt = async (): Promise<void> => {
      const isDone = await attempt().catch((thrown: unknown) => {
        const { code, message } = SelvedgeError.from(thrown);
        trace.add(`operator: ${what}: ${code}: ${message}`);
        return false;
      });
      if (isDone) this.#plans.delete(what);
      else time.after(patienceMs, () => void tryIt());
    };
    time.after(afterMs, () => void tryIt());
  }

  async #submit(job: SimulatedJob): Promise<boolean> {
    await this.#coordinator.answer(async ({ blobs, board, session }) => {
      await session.hold(digestOf(modelBytes));
      await blobs.put(modelBytes);
      await board.run(jobRequest(job));
    });
    return true;
  }

  async #cancel(job: string): Promise<boolean> {
    await this.#coordinator.answer(({ board }) => board.cancel(job));
    return true;
  }

  async #releaseResult(job: string): Promise<boolean> {
    const state = await this.#coordinator.answer(async ({ board }) => board.get(job));
    if (state === undefined || !hasEnded(state)) return false;
    return state.model === null ? true : this.#release(job, state.model);
  }

  /** Signs the next list of releases and hands it in, unless that was done and its answer lost. */
  async #release(job: string, blob: BlobReference): Promise<boolean> {
    const { observer, time } = this.#parts;
    const before = await this.#coordinator.answer(async ({ repository }) => ({
      releases: repository.releases(),
      targets: repository.currentTargets(),
    }));
    for (const release of before.releases) this.#published.set(release.version, release.blob.digest);
    if (before.releases.some((one) => one.job === job)) return true;
    const now = Math.floor(time.now);
    const next = { name: modelName, job, blob };
    const { release, targets } = addRelease(before.targets, next, releaseKeys.release, now);
    observer.released(release);
    await this.#coordinator.answer(({ repository }) => repository.publish(targets));
    this.#published.set(release.version, blob.digest);
    await this.#coordinator.answer(async ({ session }) => session.announceReleases());
    return true;
  }
}

/** Between two attempts. */
const patienceMs = 7_000;
