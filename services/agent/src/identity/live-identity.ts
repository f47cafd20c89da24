import type { X509Certificate } from "node:crypto";
import type { ClientTls } from "@selvedge/transport-grpc";
import type { DeviceClock } from "./device-clock.ts";
import { type CertificateDates, type DeviceCredential, datesOf } from "./device-credential.ts";
import type { DeviceIdentity } from "./device-identity.ts";
import { pinOf, readRoots } from "./device-trust.ts";

/** What a running device shows and believes on each new connection; both are replaced now and then. */
export class LiveIdentity {
  readonly deviceId: string;
  readonly coordinatorUrl: string;
  /** The device's SPIFFE id. */
  readonly uri: string;
  readonly #clock: DeviceClock;
  #credential: DeviceCredential;
  #dates: CertificateDates;
  #trust: string;

  constructor(identity: DeviceIdentity, clock: DeviceClock) {
    const { coordinatorUrl, deviceId, key, chain, trust, trustDomain } = identity;
    this.deviceId = deviceId;
    this.coordinatorUrl = coordinatorUrl;
    this.uri = `spiffe://${trustDomain}/device/${deviceId}`;
    this.#clock = clock;
    this.#credential = { key, chain };
    this.#dates = datesOf(this.#credential);
    this.#trust = trust;
    clock.startOfCertificate(this.#dates.fromMs);
  }

  get credential(): DeviceCredential {
    return this.#credential;
  }

  get dates(): CertificateDates {
    return this.#dates;
  }

  /** Roots the coordinator may be under. */
  get roots(): readonly X509Certificate[] {
    return readRoots(this.#trust);
  }

  /** SHA-256 of the SubjectPublicKeyInfo of each root. */
  get pins(): readonly Uint8Array[] {
    return this.roots.map((root) => new Uint8Array(pinOf(root)));
  }

  /** For a new connection; others than those in use are for trying them. */
  tls(trying: { readonly credential?: DeviceCredential; readonly trust?: string } = {}): ClientTls {
    const { key, chain } = trying.credential ?? this.#credential;
    return { ...this.strangerTls(trying.trust), key, cert: chain };
  }

  /** For a connection on which the device shows no certificate. */
  strangerTls(trust: string = this.#trust): ClientTls {
    return { ca: trust, notExpiredAt: () => this.#clock.floor() };
  }

  use(credential: DeviceCredential): void {
    this.#credential = credential;
    this.#dates = datesOf(credential);
    this.#clock.startOfCertificate(this.#dates.fromMs);
  }

  believe(trust: string): void {
    this.#trust = trust;
  }
}
