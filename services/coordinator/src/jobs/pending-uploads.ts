import type { Digest } from "@selvedge/protocol";

/** How many uploads of one device may wait for its submission. */
const uploadsMax = 2;

/**
 * What devices upload for the open round of a job, so that what no submission
 * claims does not stay. In memory: a start sweeps what an earlier one forgot.
 */
export class PendingUploads {
  readonly #jobs = new Map<string, Map<string, Digest[]>>();

  /** @returns the digest that has to make room. */
  add(job: string, device: string, digest: Digest): Digest | undefined {
    const devices = this.#jobs.get(job) ?? new Map<string, Digest[]>();
    this.#jobs.set(job, devices);
    const digests = devices.get(device) ?? [];
    devices.set(device, digests);
    if (digests.includes(digest)) return undefined;
    digests.push(digest);
    return digests.length > uploadsMax ? digests.shift() : undefined;
  }

  /** All that wait. */
  digests(): Digest[] {
    return [...this.#jobs.values()].flatMap((devices) => [...devices.values()].flat());
  }

  /** Forgets a job's uploads; returns what they were. */
  takeAll(job: string): Digest[] {
    const devices = this.#jobs.get(job);
    this.#jobs.delete(job);
    return [...(devices?.values() ?? [])].flat();
  }
}
