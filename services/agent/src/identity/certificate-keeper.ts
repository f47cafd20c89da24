import type { X509Certificate } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";
import { KeyedQueue, WakeTimers } from "@selvedge/storage";
import { type BackoffOptions, backoffMs, defaultBackoff } from "@selvedge/transport";
import { readCertificates } from "./device-chain.ts";
import type { DeviceClock } from "./device-clock.ts";
import {
  adoptStaged,
  type DeviceCredential,
  datesOf,
  discardStaged,
  openNextKey,
  stageChain,
  stagedCredential,
} from "./device-credential.ts";
import type { DeviceFolder } from "./device-folder.ts";
import { adoptTrust, pinOf, stageTrust } from "./device-trust.ts";
import type { LiveIdentity } from "./live-identity.ts";
import { askForGrace, askForRenewal, confirm } from "./renewal-calls.ts";

export interface CertificateKeeperOptions {
  readonly folder: DeviceFolder;
  readonly identity: LiveIdentity;
  readonly clock: DeviceClock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: KeeperLog;
  /** New connections show another certificate from now on. */
  onRenewed(): void;
  /** For one attempt; default 30 s. */
  readonly timeoutMs?: number;
}

export interface KeeperLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * Keeps a running device in possession of a certificate that counts, and of the
 * coordinator's roots. A new certificate is for a new key, is written beside the
 * one in use, tried on a real connection, and only then put in its place; a kill
 * anywhere leaves one that works (SPEC EN17 to EN20, EN22).
 */
export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions;
  readonly #alarm: WakeTimers;
  readonly #turns = new KeyedQueue();
  readonly #stop = new AbortController();
  /** When the certificate in use is to be replaced, and the earliest time to try, Unix milliseconds. */
  #renewAt: number;
  #notBefore = 0;
  #failures = 0;
  /** The coordinator does not let the certificate in use in, whatever our clock says. */
  #isRefused = false;

  constructor(options: CertificateKeeperOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.#renewAt = this.#drawRenewal();
    this.#alarm = new WakeTimers({
      now: () => clock.now(),
      wake: () => this.step(),
      onError: (_id, error) => log.warn({ err: error }, "the certificate could not be looked after"),
      wakeAt: () => this.#wakeAt(),
    });
  }

  start(): void {
    this.#alarm.set(alarm, this.#wakeAt());
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#alarm.stop();
    await this.#turns.drained();
  }

  /** When the certificate in use is to be replaced, Unix milliseconds: half of its life, give or take a tenth. */
  get renewAt(): number {
    return this.#renewAt;
  }

  /** The coordinator refused the certificate in use: it is replaced as one that ran out. */
  refused(): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    this.#notBefore = 0;
    this.#alarm.set(alarm, this.#wakeAt());
  }

  /** Does what is due, if anything; never rejects for what the coordinator or the network does. */
  step(): Promise<void> {
    return this.#turns.run(turn, async () => {
      const { clock, log } = this.#options;
      if (this.#stop.signal.aborted || clock.now() < this.#notBefore) return;
      try {
        if (!(await this.#renewIfDue())) return;
        this.#failures = 0;
        this.#isRefused = false;
      } catch (thrown) {
        if (this.#stop.signal.aborted) return;
        const error = SelvedgeError.from(thrown, "unavailable");
        this.#failures += 1;
        this.#notBefore = clock.now() + this.#waitMs(error);
        const again = new Date(this.#notBefore).toISOString();
        log.warn(
          { code: error.code, at: error.at, fix: error.fix, again },
          `no new certificate: ${error.message}`,
        );
      }
    });
  }

  /**
   * Believes these roots from now on, once a connection that trusts nothing
   * else has worked. The same roots again change nothing.
   *
   * @param roots - DER.
   * @throws SelvedgeError `corrupt`, or what the connection failed with.
   */
  believe(roots: readonly Uint8Array[]): Promise<void> {
    return this.#turns.run(turn, async () => {
      const { folder, identity, clock, log } = this.#options;
      const certificates = readCertificates("trust_bundle", roots, identity.coordinatorUrl).filter(isRoot);
      if (certificates.length !== roots.length) throw notRoots(identity.coordinatorUrl);
      if (toPins(certificates) === toPins(identity.roots)) return;
      const trust = await stageTrust(folder, certificates);
      await clock.told(await confirm(identity, identity.tls({ trust }), this.#signal()));
      await adoptTrust(folder);
      identity.believe(trust);
      log.info({ roots: certificates.length }, "the roots that the coordinator may be under were replaced");
    });
  }

  /** @returns whether the certificate was replaced. */
  async #renewIfDue(): Promise<boolean> {
    const { folder, identity, clock, log } = this.#options;
    const staged = (await this.#staged()) ?? (await this.#ask());
    if (staged === undefined) return false;
    await this.#try(staged);
    identity.use(await adoptStaged(folder));
    this.#renewAt = this.#drawRenewal();
    // By a clock that is ahead of the coordinator's it may be time again at once.
    this.#notBefore = clock.now() + lookEveryMs;
    const until = new Date(identity.dates.expiresAtMs).toISOString();
    log.info({ until, now: new Date(clock.now()).toISOString() }, "the device's certificate was renewed");
    this.#options.onRenewed();
    return true;
  }

  /** What an attempt before this one was given and did not put to use. */
  async #staged(): Promise<DeviceCredential | undefined> {
    const { folder, clock } = this.#options;
    const staged = await stagedCredential(folder);
    if (staged === undefined || clock.now() < datesOf(staged).expiresAtMs) return staged;
    await discardStaged(folder);
    return undefined;
  }

  async #ask(): Promise<DeviceCredential | undefined> {
    const { folder, identity, clock, log } = this.#options;
    const isLost = this.#isRefused || clock.now() >= identity.dates.expiresAtMs;
    if (!isLost && clock.now() < this.#renewAt) return undefined;
    const key = await openNextKey(folder);
    const ask = isLost ? askForGrace : askForRenewal;
    const { chain, isPending } = await ask(identity, key, this.#signal());
    if (isPending) log.warn({}, "an operator has to approve this device before it takes part again");
    await stageChain(folder, chain);
    return stagedCredential(folder);
  }

  /** What the coordinator refuses is not kept: the next attempt begins anew. */
  async #try(credential: DeviceCredential): Promise<void> {
    const { folder, identity, clock } = this.#options;
    try {
      await clock.told(await confirm(identity, identity.tls({ credential }), this.#signal()));
    } catch (thrown) {
      if (refusals.has(SelvedgeError.from(thrown, "unavailable").code)) await discardStaged(folder);
      throw thrown;
    }
  }

  #wakeAt(): number {
    const { clock, identity } = this.#options;
    const due = this.#isRefused ? 0 : Math.min(this.#renewAt, identity.dates.expiresAtMs);
    // A clock that is set forward would make a long timer late.
    return Math.min(Math.max(due, this.#notBefore), clock.now() + lookEveryMs);
  }

  #waitMs(error: SelvedgeError): number {
    const { clock, identity, random } = this.#options;
    if (error.code === "permission_denied") return barredWaitMs * (1 + random());
    const isLost = this.#isRefused || clock.now() >= identity.dates.expiresAtMs;
    const backoff = isLost ? defaultBackoff : patientBackoff;
    return backoffMs(this.#failures, random(), backoff, error.retryAfterMs);
  }

  #drawRenewal(): number {
    const { identity, random } = this.#options;
    const { fromMs, expiresAtMs } = identity.dates;
    return fromMs + (expiresAtMs - fromMs) * (0.45 + 0.1 * random());
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(this.#options.timeoutMs ?? 30_000)]);
  }
}

function isRoot(certificate: X509Certificate): boolean {
  return certificate.ca && certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

function toPins(roots: readonly X509Certificate[]): string {
  return roots.map((root) => pinOf(root).toString("hex")).join();
}

function notRoots(url: string): SelvedgeError {
  return new SelvedgeError("corrupt", "the coordinator sent certificates as roots that are none", {
    at: url,
    fix: "this is a fault of the coordinator: tell its operator",
  });
}

const alarm = "certificate";
const turn = "identity";
const lookEveryMs = 3_600_000;
/** Half of a certificate's life is left: there is no hurry. */
const patientBackoff: BackoffOptions = { initialMs: 60_000, maximumMs: 3_600_000, factor: 2 };
/** A device that is put out of the fleet asks whether that is still so. */
const barredWaitMs = 3_600_000;
const refusals: ReadonlySet<string> = new Set(["unauthenticated", "permission_denied", "untrusted"]);
