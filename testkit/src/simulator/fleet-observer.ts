import {
  type DeviceState,
  type EnvelopeBody,
  type JobState,
  type Receipt,
  type RoundSummary,
  Verdict,
} from "@selvedge/protocol";
import type { Release } from "@selvedge/registry";
import type { Transaction } from "@selvedge/storage";
import type { FleetTrace } from "./fleet-trace.ts";
import { RoundObserver } from "./round-observer.ts";
import { readState, type SimulatedDisk } from "./simulated-disk.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A receipt that said "accepted", as it was sent. */
export interface Acknowledgement {
  readonly device: string;
  readonly job: string;
  readonly round: number;
  readonly digest: string;
}

/** Watches a fleet while it runs, and holds it to the rules that must hold at every moment. */
export class FleetObserver {
  readonly #trace: FleetTrace;
  readonly #violations: string[] = [];
  readonly #acknowledged = new Map<string, Acknowledgement>();
  /** What entitles a device to let go of a result. */
  readonly #releases = new Map<string, Set<string>>();
  readonly #outboxes = new Map<string, ReadonlyMap<string, string>>();
  readonly #audited = new Map<string, Set<string>>();
  readonly #signed = new Set<string>();
  readonly #serves = new Map<string, number>();
  readonly rounds: RoundObserver;

  constructor(trace: FleetTrace, time: VirtualTime) {
    this.#trace = trace;
    this.rounds = new RoundObserver(time, (text) => this.violation(text));
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  get acknowledged(): Iterable<Acknowledgement> {
    return this.#acknowledged.values();
  }

  violation(text: string): void {
    this.#violations.push(text);
    this.#trace.add(`VIOLATION ${text}`);
  }

  /** The coordinator handed an envelope to its end of a device's link. */
  sent(device: string, body: EnvelopeBody | { case: undefined }, disk: SimulatedDisk): void {
    if (body.case === "receipt") this.#receiptSent(device, body.value, disk);
  }

  /** A device has been handed an envelope. */
  delivered(device: string, body: EnvelopeBody | { case: undefined }): void {
    if (body.case !== "receipt" && body.case !== "roundClosed") return;
    const { job, round } = body.value;
    const digest = body.case === "receipt" ? body.value.digest : "any";
    const releases = this.#releases.get(device) ?? new Set();
    this.#releases.set(device, releases.add(`${job}/${round}/${digest}`));
  }

  /** AK1: a result leaves the outbox only when the coordinator's own word allows it. */
  deviceCommitted(device: string, transaction: Transaction): void {
    const write = transaction.writes.find(({ key }) => key === "task/state/device");
    if (write === undefined) return;
    const state = write.value as unknown as DeviceState;
    const outbox = new Map<string, string>(
      state.tasks.flatMap(({ offer, result }) =>
        result === null ? [] : [[`${offer.job}/${offer.round}`, result.body.digest] as const],
      ),
    );
    for (const [round, digest] of this.#outboxes.get(device) ?? []) {
      if (outbox.get(round) === digest || this.#mayRelease(device, round, digest)) continue;
      this.violation(`AK1: ${device} let go of its result of ${round} without a receipt`);
    }
    this.#outboxes.set(device, outbox);
  }

  audited(device: string, digest: string): void {
    const digests = this.#audited.get(device) ?? new Set();
    this.#audited.set(device, digests.add(digest));
  }

  /** SU8: no byte leaves before its audit line. */
  uploadStarted(device: string, digest: string): void {
    if (this.#audited.get(device)?.has(digest) === true) return;
    this.violation(`SU8: ${device} uploads ${digest} without an audit line`);
  }

  /** The release key is about to have signed it. */
  released({ name, version, blob }: Release): void {
    this.#signed.add(`${name}@${version} ${blob.digest}`);
    this.#trace.add(`operator signs ${name}@${version} ${blob.digest}`);
  }

  /** RL1, RL3: what is served was released, and is not older than what was installed. */
  serves(device: string, name: string, version: number, digest: string, disk: SimulatedDisk): void {
    this.#trace.add(`${device} serves ${name}@${version}`);
    this.#serves.set(`${device}/${name}`, version);
    if (!this.#signed.has(`${name}@${version} ${digest}`))
      this.violation(`RL1: ${device} serves ${name}@${version} ${digest}, which was never released`);
    const installed = readState<{ current: { version: number } }>(disk, `installed/${name}`);
    if (installed !== undefined && installed.current.version > version)
      this.violation(`RL3: ${device} goes back from ${name}@${installed.current.version} to ${version}`);
  }

  /** Which version a device has loaded last; undefined = none. */
  servedVersion(device: string, name: string): number | undefined {
    return this.#serves.get(`${device}/${name}`);
  }

  /** AK2: whoever is told "accepted" has a contribution on the coordinator's disk. */
  #receiptSent(device: string, receipt: Receipt, disk: SimulatedDisk): void {
    if (receipt.verdict !== Verdict.ACCEPTED) return;
    const { job, round, digest } = receipt;
    this.#acknowledged.set(`${device}/${job}/${round}`, { device, job, round, digest });
    const state = readState<JobState>(disk, `job/state/${job}`);
    const members = state?.current?.number === round ? state.current.members : state?.last?.members;
    if (members?.[device]?.digest === digest) return;
    // A receipt that was decided long ago may be sent again after a restart.
    const archived = readState<RoundSummary>(disk, archiveKey(job, round));
    if (archived?.members[device]?.digest === digest) return;
    this.violation(`AK2: ${device} was told "accepted" for round ${round} of ${job}, which is not durable`);
  }

  #mayRelease(device: string, round: string, digest: string): boolean {
    const releases = this.#releases.get(device);
    return releases?.has(`${round}/${digest}`) === true || releases?.has(`${round}/any`) === true;
  }
}

function archiveKey(job: string, round: number): string {
  return `round/${job}/${String(round).padStart(8, "0")}`;
}
