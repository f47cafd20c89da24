import { createPublicKey, randomBytes, randomUUID } from "node:crypto";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import { type BlobReference, digestOf, SessionService } from "@selvedge/protocol";
import { openMemoryBlobStore, openMemoryStore, type Store } from "@selvedge/storage";
import {
  blobRoutes,
  type Call,
  type Gateway,
  type HttpRoute,
  sessionService,
  sessionServiceLimits,
  startGateway,
} from "@selvedge/transport-grpc";
import { SessionHub } from "../sessions/session-hub.ts";
import { createCallLimits } from "./call-limits.ts";
import { type Authority, openAuthority } from "./certificate-authority.ts";
import { DeviceAdmission } from "./device-admission.ts";
import { type DeviceRecord, newDevice } from "./device-record.ts";
import { type DeviceRegistry, openDeviceRegistry } from "./device-registry.ts";
import { hosts, memoryKeyFolder, newDeviceKey, trustDomain } from "./fleet.fixture.ts";
import { createGatekeeper, type GatekeeperOptions } from "./gatekeeper.ts";
import { OperatorTokens } from "./operator-tokens.ts";
import type { Principal } from "./principal.ts";
import type { DeviceTls } from "./resumable-connection.fixture.ts";
import { createSessionRatchet } from "./session-ratchet.ts";

export interface EnrolledDevice {
  readonly id: string;
  readonly tls: DeviceTls;
  readonly expiresAtMs: number;
}

export interface ConnectedFleetOptions {
  /** Beside blobs; their names must stand in the table of routes. */
  readonly httpRoutes?: readonly HttpRoute<Principal>[];
  /** Default: only when the coordinator says so. */
  readonly recheckEveryMs?: number;
}

/** The coordinator's door on a real port, without its jobs. */
export class ConnectedFleet implements AsyncDisposable {
  /** How far the coordinator's clock is ahead of the real one. */
  aheadMs = 0;
  /** Every call that reached the door. */
  readonly calls: Call[] = [];
  readonly devices: DeviceRegistry;
  readonly admission: DeviceAdmission;
  readonly hub: SessionHub;
  readonly #store: Store;
  readonly #authority: Authority;
  readonly #blobs = openMemoryBlobStore();
  #gateway: Gateway<Principal> | undefined;

  static async start(options: ConnectedFleetOptions = {}): Promise<ConnectedFleet> {
    const store = openMemoryStore();
    const nowMs = Date.now();
    const authority = await openAuthority({ folder: memoryKeyFolder(), trustDomain, hosts, nowMs });
    const fleet = new ConnectedFleet(store, authority, await openDeviceRegistry(store));
    const rootPin = () => authority.rootPin;
    const operatorTokens = await OperatorTokens.open({ store, rootPin, now: () => fleet.now() });
    await fleet.#listen(operatorTokens, options);
    return fleet;
  }

  private constructor(store: Store, authority: Authority, devices: DeviceRegistry) {
    this.#store = store;
    this.#authority = authority;
    this.devices = devices;
    this.admission = new DeviceAdmission({
      store,
      devices,
      ratchet: createSessionRatchet(randomBytes(32), randomBytes),
      audit: { append: async () => {} },
      now: () => this.now(),
      log: { warn: () => {} },
      cutOff: async (device, reason) => {
        this.hub.cut(device, reason);
        await this.#gateway?.recheck((one) => "deviceId" in one && one.deviceId === device);
      },
      letIn: (device) => this.hub.readmit(device),
    });
    this.hub = new SessionHub({
      epoch: "epoch",
      softwareVersion: "1.0.0",
      now: () => this.now(),
      admit: (device, { birth, epoch, replacedEpoch }) =>
        this.admission.admit(device, { mark: birth.mark, epoch, replacedEpoch, seen: {} }),
      onBirth: () => {},
      onEnvelope: () => {},
      onGone: () => {},
      onTrouble: () => {},
    });
  }

  now(): number {
    return Date.now() + this.aheadMs;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#gateway?.port}`;
  }

  /** A blob that every device may read. */
  async putBlob(): Promise<BlobReference> {
    return this.#blobs.put(randomBytes(1_000));
  }

  /** @param lifetimeMs of its certificate, from now; default as the authority gives it. */
  async enrol(lifetimeMs: number = this.#authority.deviceLifetimeMs): Promise<EnrolledDevice> {
    const id = randomUUID();
    const privateKey = newDeviceKey();
    const issuedAtMs = Date.now() - this.#authority.deviceLifetimeMs + lifetimeMs;
    const publicKey = createPublicKey(privateKey);
    const { certificate, chain } = await this.#authority.issueDeviceCertificate(publicKey, id, issuedAtMs);
    const expiresAtMs = certificate.validToDate.getTime();
    const device: DeviceRecord = {
      ...newDevice,
      id,
      name: "kitchen",
      group: "",
      tags: [],
      tokenId: "",
      keyDigest: digestOf(Buffer.from(id)),
      enrolledAtMs: issuedAtMs,
      certificateSerial: certificate.serialNumber,
      certificateExpiresAtMs: expiresAtMs,
      standing: { state: "active", reason: "", sinceMs: issuedAtMs },
    };
    await this.#store.commit({ writes: this.devices.addition(device) });
    this.devices.added(device);
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const tls = { ca: this.#authority.root.toString(), cert: chain.map(pemOf).join(""), key };
    return { id, tls, expiresAtMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway?.close();
  }

  async #listen(
    operatorTokens: GatekeeperOptions["operatorTokens"],
    { httpRoutes = [], recheckEveryMs = 3_600_000 }: ConnectedFleetOptions,
  ): Promise<void> {
    const { server, root } = this.#authority;
    const gatekeeper = createGatekeeper({
      authority: this.#authority,
      devices: this.devices,
      operatorTokens,
      limits: createCallLimits(() => this.now()),
      onRefusal: () => {},
      now: () => this.now(),
    });
    const blobs = { store: this.#blobs, canRead: () => true, writeBytesMax: () => 0 };
    this.#gateway = await startGateway<Principal>({
      host: "127.0.0.1",
      port: 0,
      tls: { key: server.key, cert: server.chain, clientCa: root.toString() },
      services: (router, principalOf) => this.#registerSessions(router, principalOf),
      httpRoutes: [...httpRoutes, ...blobRoutes<Principal>(blobs)],
      authorise: (call) => {
        this.calls.push(call);
        return gatekeeper(call);
      },
      onInternalError: () => {},
      recheckEveryMs,
      closeGraceMs: 100,
    });
  }

  #registerSessions(router: ConnectRouter, principalOf: (context: HandlerContext) => Principal): void {
    const service = sessionService({
      principalOf,
      peerOf: (principal) => ({ deviceId: "deviceId" in principal ? principal.deviceId : "" }),
      onLink: (link, peer) => this.hub.accept(link, peer),
    });
    router.service(SessionService, service, sessionServiceLimits);
  }
}

function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
