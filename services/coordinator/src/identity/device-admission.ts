import { limits, SelvedgeError } from "@selvedge/protocol";
import type { Store } from "@selvedge/storage";
import type { AuditLog } from "../audit/audit-log.ts";
import type { DeviceRecord, Standing, StandingState } from "./device-record.ts";
import type { DeviceChange, DeviceRegistry } from "./device-registry.ts";
import { checkGroupAndTags, checkName, uniqueTags } from "./group-and-tags.ts";
import { recordFork } from "./security-events.ts";
import type { SessionRatchet } from "./session-ratchet.ts";

export interface DeviceAdmissionOptions {
  readonly store: Store;
  readonly devices: DeviceRegistry;
  readonly ratchet: SessionRatchet;
  readonly audit: Pick<AuditLog, "append">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: { warn(fields: object, message: string): void };
  /** Ends all that a device is doing, and all that counts on it; after it may do no more. Repeatable. */
  cutOff(device: string, reason: string): Promise<void>;
  /** Lets a device in that waits. */
  letIn(device: string): void;
}

/** How a device begins a session. */
export interface SessionStart {
  /** The mark it shows; empty = none. */
  readonly mark: Uint8Array;
  /** Of the device's state database. */
  readonly epoch: string;
  /** Of the session that this one replaces while it is live. */
  readonly replacedEpoch: string | undefined;
  /** What it says of itself. */
  readonly seen: DeviceChange;
}

export type Admission =
  /** It is in; the mark is durable here, and has to become so there. */
  | { readonly kind: "welcome"; readonly mark: Uint8Array }
  /** It has an identity, and may do nothing but wait. */
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "refuse"; readonly reason: string };

/** Who of the enrolled devices may take part: what operators decide, and what a session's beginning shows. */
export class DeviceAdmission {
  readonly #options: DeviceAdmissionOptions;

  constructor(options: DeviceAdmissionOptions) {
    this.#options = options;
  }

  /**
   * Decides about a device that begins a session, and turns its ratchet.
   *
   * @throws SelvedgeError what the store throws.
   */
  async admit(id: string, start: SessionStart): Promise<Admission> {
    const { devices, ratchet } = this.#options;
    const known = await devices.read(id);
    if (known === undefined) return { kind: "refuse", reason: "this coordinator does not know the device" };
    if (start.replacedEpoch !== undefined && start.replacedEpoch !== start.epoch) {
      return this.#forked(id, "two of its state databases are in use at the same time");
    }
    let mark: Uint8Array = new Uint8Array();
    let why: string | undefined;
    const device = await devices.replace(id, (before) => {
      if (before.standing.state === "pending") return { ...before, ...start.seen };
      if (before.standing.state !== "active") return before;
      const turn = ratchet.turn(id, before.marks, start.mark);
      why = turn.kind === "forked" ? turn.why : undefined;
      if (turn.kind === "forked") return before;
      mark = turn.mark;
      return { ...before, ...start.seen, marks: turn.marks };
    });
    if (why !== undefined) return this.#forked(id, why);
    const { state, reason } = device.standing;
    if (state === "active") return { kind: "welcome", mark };
    return state === "pending" ? { kind: "wait", reason } : refusalOf(state);
  }

  /**
   * Lets a device take part that waits or is quarantined. Whatever it shows at
   * its next birth is believed, once. Again changes nothing.
   *
   * @throws SelvedgeError `not_found`, `failed_precondition` for a revoked device.
   */
  async approve(id: string): Promise<DeviceRecord> {
    const { devices, letIn, now } = this.#options;
    const standing: Standing = { state: "active", reason: "", sinceMs: now() };
    const device = await devices.replace(id, (before) => {
      if (before.standing.state === "active") return before;
      if (before.standing.state === "revoked") throw cannotReturn(before);
      const marks = { ...before.marks, confirmed: null, offered: null };
      return { ...before, standing, marks };
    });
    letIn(id);
    return device;
  }

  /**
   * Puts a device out of the fleet for good. When its promise resolves the
   * device is cut off, and nothing that it contributed to an open round reaches
   * the weights. Again changes nothing, and finishes what was left undone.
   *
   * @throws SelvedgeError `not_found`, `invalid_argument` for a reason that is too long.
   */
  async revoke(id: string, reason: string): Promise<DeviceRecord> {
    checkReason(reason);
    return this.#bar(id, { state: "revoked", reason, sinceMs: this.#options.now() });
  }

  /** @throws SelvedgeError `not_found`, `invalid_argument`. */
  async rename(id: string, name: string): Promise<DeviceRecord> {
    checkName("name", name);
    return this.#options.devices.update(id, { name });
  }

  /**
   * @param tags - undefined = as they are.
   * @throws SelvedgeError `not_found`, `invalid_argument`.
   */
  async regroup(id: string, group: string, tags: readonly string[] | undefined): Promise<DeviceRecord> {
    checkGroupAndTags(group, tags ?? []);
    return this.#options.devices.update(id, {
      group,
      ...(tags === undefined ? {} : { tags: uniqueTags(tags) }),
    });
  }

  /** Quarantines a device because of what was seen elsewhere. */
  async suspect(id: string, why: string): Promise<void> {
    await this.#forked(id, why);
  }

  /** Both holders of the identity are put out until an operator has looked at it. */
  async #forked(id: string, why: string): Promise<Admission> {
    const { audit, log, now, store } = this.#options;
    const reason = `its identity is in use twice: ${why}`;
    log.warn({ device: id, why }, "a device's identity is in use twice: the device is quarantined");
    await audit.append({
      actor: "coordinator",
      action: "quarantine-device",
      subject: id,
      detail: { reason },
    });
    await this.#bar(id, { state: "quarantined", reason, sinceMs: now() });
    await recordFork(store, { device: id, why, atMs: now() });
    return refusalOf("quarantined");
  }

  async #bar(id: string, standing: Standing): Promise<DeviceRecord> {
    const { cutOff, devices } = this.#options;
    const device = await devices.replace(id, (before) =>
      severity[before.standing.state] >= severity[standing.state] ? before : { ...before, standing },
    );
    await cutOff(id, devices.barredWhy(id) ?? standing.reason);
    return device;
  }
}

/** Why is for operators: who holds the device now is not to know. */
function refusalOf(state: StandingState): Admission {
  return { kind: "refuse", reason: `this device was ${state}` };
}

function checkReason(reason: string): void {
  if (reason.length <= limits.reasonLengthMax) return;
  throw new SelvedgeError("invalid_argument", `the reason has ${reason.length} characters`, {
    at: "reason",
    fix: `give at most ${limits.reasonLengthMax}`,
  });
}

function cannotReturn({ id }: DeviceRecord): SelvedgeError {
  return new SelvedgeError("failed_precondition", `this device was revoked: ${id}`, {
    at: "device",
    fix: "a revocation is for good: remove the device's folder and join again, as a new device",
  });
}

/** Only what is worse takes the place of a standing; an approval is another matter. */
const severity: Readonly<Record<StandingState, number>> = {
  active: 0,
  pending: 1,
  quarantined: 2,
  revoked: 3,
};
