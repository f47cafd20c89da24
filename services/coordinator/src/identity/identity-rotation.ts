import { SelvedgeError } from "@selvedge/protocol";
import { type Authority, pinOf } from "./certificate-authority.ts";
import type { DeviceRecord } from "./device-record.ts";
import type { DeviceRegistry } from "./device-registry.ts";

export interface IdentityRotationOptions {
  readonly authority: Authority;
  readonly devices: Pick<DeviceRegistry, "list">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Replaces the fleet's keys in steps that leave no device behind, unless they are forced (SPEC EN23, EN24). */
export class IdentityRotation {
  readonly #options: IdentityRotationOptions;

  constructor(options: IdentityRotationOptions) {
    this.#options = options;
  }

  /** A new issuing key; certificates of the old ones go on counting. */
  async rotateIntermediate(): Promise<void> {
    await this.#options.authority.rotateIntermediate(this.#options.now());
  }

  /** @throws SelvedgeError `failed_precondition` naming devices that still have a certificate of an older key. */
  async finishIntermediate(force: boolean): Promise<void> {
    const { authority, now } = this.#options;
    const current = authority.issuers[0]?.subject ?? "";
    const left = (await this.active()).filter((device) => device.certificateIssuer !== current);
    if (left.length > 0 && !force) throw unready(left, "have not renewed their certificate since");
    await authority.dropOldIntermediates(now());
  }

  /** A new root, for devices to learn of. */
  async stageRoot(): Promise<void> {
    await this.#options.authority.stageRoot(this.#options.now());
  }

  /** @throws SelvedgeError `failed_precondition` when none is staged, or naming devices that do not believe it. */
  async activateRoot(force: boolean): Promise<void> {
    const { authority, now } = this.#options;
    const { stagedRoot } = authority;
    if (stagedRoot !== undefined && !force) await this.#checkBelieved(stagedRoot);
    await authority.activateRoot(now());
  }

  /** @throws SelvedgeError `failed_precondition` naming devices that do not believe the root in use. */
  async finishRoot(force: boolean): Promise<void> {
    const { authority, now } = this.#options;
    if (!force) await this.#checkBelieved(authority.root);
    await authority.dropOldRoots(now());
  }

  /** Devices that take part. */
  async active(): Promise<readonly DeviceRecord[]> {
    return (await this.#options.devices.list()).filter(({ standing }) => standing.state === "active");
  }

  async #checkBelieved(root: Parameters<typeof pinOf>[0]): Promise<void> {
    const pin = pinTextOf(root);
    const left = (await this.active()).filter((device) => !device.trustedPins.includes(pin));
    if (left.length > 0) throw unready(left, "have not learned of the new root");
  }
}

/** Hexadecimal digits. */
export function pinTextOf(root: Parameters<typeof pinOf>[0]): string {
  return Buffer.from(pinOf(root)).toString("hex");
}

function unready(devices: readonly DeviceRecord[], why: string): SelvedgeError {
  const names = devices.slice(0, namedMax).map(({ name }) => name);
  const more = devices.length > namedMax ? ", …" : "";
  const message = `${devices.length} devices ${why}: ${names.join(", ")}${more}`;
  return new SelvedgeError("failed_precondition", message, {
    at: "fleet identity",
    fix: "wait until they were connected, or add --force: see docs/reference/identity.md for what becomes of them",
  });
}

const namedMax = 10;
