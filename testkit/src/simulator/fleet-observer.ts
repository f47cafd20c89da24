import {
  type DeviceState,
  type EnvelopeBody,
  type JobState,
  type Receipt,
  type RoundSummary,
  Verdict,
} from "@selvedge/protocol";
import type { Transaction } from "@selvedge/storage";
import type { FleetTrace } from "./fleet-trace.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import { jobId } from "./simulated-job.ts";

/** A receipt that said "accepted", as it was sent. */
export interface Acknowledgement {
  readonly device: string;
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
  readonly #outboxes = new Map<string, ReadonlyMap<number, string>>();
  readonly #unsubmitted = new Set<string>();
  readonly #audited = new Map<string, Set<string>>();

  constructor(trace: FleetTrace) {
    this.#trace = trace;
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  get acknowledged(): Iterable<Acknowledgement> {
    return this.#acknowledged.values();
  }

  /** Updates that were uploaded, and that no submission has named since. */
  get unsubmitted(): ReadonlySet<string> {
    return this.#unsubmitted;
  }

  violation(text: string): void {
    this.#violations.push(text);
    this.#trace.add(`VIOLATION ${text}`);
  }

  /** AK2: whoever is told "accepted" has a contribution on the coordinator's disk. */
  receiptSent(device: string, receipt: Receipt, disk: SimulatedDisk): void {
    if (receipt.verdict !== Verdict.ACCEPTED) return;
    const { round, digest } = receipt;
    this.#acknowledged.set(`${device}/${round}`, { device, round, digest });
    const job = readState<JobState>(disk, `job/state/${jobId}`);
    const members = job?.current?.number === round ? job.current.members : job?.last?.members;
    if (members?.[device]?.status === "contributed" && members[device]?.digest === digest) return;
    // A receipt that was decided long ago may be sent again after a restart.
    const archived = readState<RoundSummary>(disk, `round/${jobId}/${String(round).padStart(8, "0")}`);
    if (archived?.members[device]?.digest === digest) return;
    this.violation(`AK2: ${device} was told "accepted" for round ${round}, which is not durable`);
  }

  /** A device has been handed an envelope. */
  delivered(device: string, body: EnvelopeBody | { case: undefined }): void {
    if (body.case === "receipt") this.#release(device, body.value.round, body.value.digest);
    if (body.case === "roundClosed") this.#release(device, body.value.round, "any");
  }

  /** AK1: a result leaves the outbox only when the coordinator's own word allows it. */
  deviceCommitted(device: string, transaction: Transaction): void {
    const write = transaction.writes.find(({ key }) => key === "task/state/device");
    if (write === undefined) return;
    const state = write.value as unknown as DeviceState;
    const outbox = new Map(
      state.tasks.flatMap(({ offer, result }) =>
        result === null ? [] : [[offer.round, result.body.digest] as const],
      ),
    );
    for (const [round, digest] of this.#outboxes.get(device) ?? []) {
      if (outbox.get(round) === digest || this.#mayRelease(device, round, digest)) continue;
      this.violation(`AK1: ${device} let go of its result of round ${round} without a receipt`);
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

  uploaded(digest: string): void {
    this.#unsubmitted.add(digest);
  }

  submitted(digest: string): void {
    this.#unsubmitted.delete(digest);
  }

  #release(device: string, round: number, digest: string): void {
    const releases = this.#releases.get(device) ?? new Set();
    this.#releases.set(device, releases.add(`${round}/${digest}`));
  }

  #mayRelease(device: string, round: number, digest: string): boolean {
    const releases = this.#releases.get(device);
    return releases?.has(`${round}/${digest}`) === true || releases?.has(`${round}/any`) === true;
  }
}

/** A record as it stands on a disk, without asking the process that uses it. */
export function readState<State>({ records }: SimulatedDisk, key: string): State | undefined {
  const record = records.get(key);
  return record === undefined ? undefined : (JSON.parse(record.json) as State);
}
