import type { JobState, RoundState } from "@selvedge/protocol";
import type { Transaction } from "@selvedge/storage";
import type { VirtualTime } from "./virtual-time.ts";

interface OpenRound {
  readonly number: number;
  /** True time, whatever the coordinator's clock says. */
  readonly openedAt: number;
  readonly deadlineMs: number;
  /** How often it was found open after its deadline. */
  timesLate: number;
  /** Digest by device. */
  readonly counted: Map<string, string>;
}

/**
 * Watches rounds through the coordinator's commits and the connections that it
 * has: who may be in a cohort, that nothing counts twice, and that none hangs.
 */
export class RoundObserver {
  readonly #time: VirtualTime;
  readonly #violation: (text: string) => void;
  /** How many connections each device has at the coordinator's end. */
  readonly #present = new Map<string, number>();
  /** By job: who was there at some time since it began to look for a cohort. */
  readonly #candidates = new Map<string, Set<string>>();
  readonly #open = new Map<string, OpenRound>();
  /** By device: whether its revocation was answered, or only asked for. */
  readonly #revoked = new Map<string, boolean>();
  /** Newest round of each job. */
  readonly #newest = new Map<string, number>();

  constructor(time: VirtualTime, violation: (text: string) => void) {
    this.#time = time;
    this.#violation = violation;
  }

  arrived(device: string): void {
    this.#present.set(device, (this.#present.get(device) ?? 0) + 1);
    for (const candidates of this.#candidates.values()) candidates.add(device);
  }

  left(device: string): void {
    const connections = (this.#present.get(device) ?? 1) - 1;
    if (connections === 0) this.#present.delete(device);
    else this.#present.set(device, connections);
  }

  /** The coordinator is about to look for the cohort of a job's next round. */
  opens(job: string): void {
    this.#candidates.set(job, new Set(this.#present.keys()));
  }

  /** An operator asks for it: from now on it may be excluded. */
  revoking(device: string): void {
    if (!this.#revoked.has(device)) this.#revoked.set(device, false);
  }

  /** From now on nothing of it may count. */
  revoked(device: string): void {
    this.#revoked.set(device, true);
  }

  isRevoked(device: string): boolean {
    return this.#revoked.has(device);
  }

  committed({ writes }: Transaction): void {
    for (const { key, value } of writes) {
      if (!key.startsWith(stateKey)) continue;
      this.#observe(key.slice(stateKey.length), value as unknown as JobState);
    }
  }

  /**
   * RC3: a round ends soon after its deadline. Asked now and then; what counts is how often
   * its coordinator was able to end it and had not.
   */
  checkDeadlines(isAble: boolean): void {
    for (const [job, round] of this.#open) {
      const { number, openedAt, deadlineMs } = round;
      const late = this.#time.now - openedAt - deadlineMs;
      if (late <= 0 || !isAble) continue;
      round.timesLate += 1;
      if (round.timesLate <= timesLateMax) continue;
      this.#violation(`RC3: round ${number} of ${job} takes contributions ${late} ms after its deadline`);
      this.#open.delete(job);
    }
  }

  #observe(job: string, { current, plan }: JobState): void {
    if (current === null || current.phase !== "collecting") this.#open.delete(job);
    if (current === null) return;
    if (current.number > (this.#newest.get(job) ?? 0)) this.#opened(job, current, plan.deadlineMs);
    this.#checkCounted(job, current);
  }

  #opened(job: string, { number, members }: RoundState, deadlineMs: number): void {
    this.#newest.set(job, number);
    this.#open.set(job, { number, deadlineMs, openedAt: this.#time.now, timesLate: 0, counted: new Map() });
    const candidates = this.#candidates.get(job);
    this.#candidates.delete(job);
    for (const device of Object.keys(members)) {
      if (candidates?.has(device) === true) continue;
      this.#violation(`RC7: ${device} is in the cohort of round ${number} of ${job} and was not there`);
    }
  }

  /** AK5: what was accepted stays, once. */
  #checkCounted(job: string, round: RoundState): void {
    const { folded, folding, members, number, queue } = round;
    const all = [...folded, ...[...folding, ...queue].map(({ device }) => device)];
    if (new Set(all).size !== all.length)
      this.#violation(`AK5: a device counts twice in round ${number} of ${job}: ${all.join(", ")}`);
    for (const [device, isAnswered] of this.#revoked) {
      if (isAnswered && members[device]?.status === "contributed")
        this.#violation(`RC10: ${device} was revoked and counts in round ${number} of ${job}`);
    }
    const counted = this.#open.get(job)?.counted;
    if (counted === undefined) return;
    for (const [device, digest] of counted) {
      const member = members[device];
      const isExcluded = member?.status === "excluded" && this.#revoked.has(device);
      const isKept = isExcluded || (member?.status === "contributed" && member.digest === digest);
      if (!isKept) this.#violation(`AK5: ${device} does not count any more in round ${number} of ${job}`);
    }
    for (const device of all) {
      const digest = members[device]?.digest;
      if (typeof digest === "string") counted.set(device, digest);
    }
  }
}

const stateKey = "job/state/";
/** Asked once a second: restarts, slow disks and retries take some of it. */
const timesLateMax = 60;
