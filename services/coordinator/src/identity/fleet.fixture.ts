import "reflect-metadata";
import { createPublicKey, generateKeyPairSync, type KeyObject, type webcrypto } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  BasicConstraintsExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";
import {
  type EnrolRequest,
  EnrolRequestSchema,
  enrolmentKey,
  enrolmentMac,
  parseJoinToken,
} from "@selvedge/protocol";
import { openMemoryStore, type Store } from "@selvedge/storage";
import { AuditLog } from "../audit/audit-log.ts";
import { type Authority, openAuthority } from "./certificate-authority.ts";
import { createChallenges } from "./challenges.ts";
import { type DeviceRegistry, openDeviceRegistry } from "./device-registry.ts";
import { createEnrolmentService, type EnrolmentService } from "./enrolment-service.ts";
import type { KeyFolder } from "./key-folder.ts";
import { createRenewalService, type RenewalService } from "./renewal-service.ts";
import { createTokenStore, type TokenStore } from "./token-store.ts";

export const trustDomain = "fleet.example";
export const hosts: readonly string[] = ["localhost", "127.0.0.1", "fleet.example"];
export const exporter: Uint8Array = new Uint8Array(32).fill(3);

/** A coordinator's identity in memory, with a clock that a test moves. */
export interface FixtureFleet {
  nowMs: number;
  readonly store: Store;
  readonly authority: Authority;
  readonly tokens: TokenStore;
  readonly devices: DeviceRegistry;
  readonly service: EnrolmentService;
  readonly renewal: RenewalService;
  /** Devices that were suspected, in this order. */
  readonly suspects: string[];
  readonly warnings: object[];
  createToken(uses?: number): Promise<string>;
}

export async function openFixtureFleet(): Promise<FixtureFleet> {
  const store = openMemoryStore();
  const nowMs = Date.UTC(2030, 0, 1);
  const authority = await openAuthority({ folder: memoryKeyFolder(), trustDomain, hosts, nowMs });
  const devices = await openDeviceRegistry(store);
  const warnings: object[] = [];
  const now = () => fleet.nowMs;
  const tokens = createTokenStore({ store, rootPin: () => authority.rootPin, now });
  const challenges = createChallenges(now);
  const audit = await AuditLog.open(store, now);
  const log = { info: () => {}, warn: (fields: object) => warnings.push(fields) };
  const suspects: string[] = [];
  const admission = {
    async suspect(id: string): Promise<void> {
      suspects.push(id);
    },
  };
  const renewal = createRenewalService({
    authority,
    devices,
    admission,
    challenges,
    audit,
    graceWindowMs: 30 * 86_400_000,
    log,
    now,
  });
  const service = createEnrolmentService({
    store,
    authority,
    tokens,
    devices,
    challenges,
    audit,
    now,
    trust: () => ({
      releaseRoot: Buffer.from("{}"),
      sealingKey: new Uint8Array(32),
      operatorKeys: [new Uint8Array(32)],
    }),
    log,
  });
  const createToken = async (uses = 1) => (await tokens.create({ ttlSeconds: 3600, uses })).text;
  const fleet: FixtureFleet = {
    nowMs,
    store,
    authority,
    tokens,
    devices,
    service,
    renewal,
    suspects,
    warnings,
    createToken,
  };
  return fleet;
}

/** @param failAt - the write, counted from 1, that fails as a crash would. */
export function memoryKeyFolder(files: Map<string, string> = new Map(), failAt: number = 0): KeyFolder {
  let writes = 0;
  return {
    path: "memory",
    read: async (name) => files.get(name),
    async write(name, pem) {
      writes += 1;
      if (writes === failAt) throw new Error("crash");
      files.set(name, pem);
    },
    async remove(name) {
      files.delete(name);
    },
  };
}

export function newDeviceKey(namedCurve: string = "P-256"): KeyObject {
  return generateKeyPairSync("ec", { namedCurve }).privateKey;
}

/** A request that asks for more than it may have, from any key WebCrypto signs with. */
export async function requestCertificate(privateKey: KeyObject): Promise<Uint8Array> {
  const { namedCurve } =
    privateKey.export({ format: "jwk" }).crv === "P-384" ? { namedCurve: "P-384" } : { namedCurve: "P-256" };
  const algorithm =
    privateKey.asymmetricKeyType === "ec"
      ? { name: "ECDSA", namedCurve, hash: "SHA-256" }
      : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=admin, O=Somebody Else",
    keys: {
      privateKey: privateKey.toCryptoKey(algorithm, false, ["sign"]),
      publicKey: createPublicKey(privateKey).toCryptoKey(algorithm, true, ["verify"]),
    } satisfies webcrypto.CryptoKeyPair,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 3, true),
      new SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${trustDomain}/device/another` }]),
    ],
  });
  return new Uint8Array(request.rawData);
}

export interface Attempt {
  readonly fleet: FixtureFleet;
  readonly token: string;
  readonly privateKey: KeyObject;
  /** Replaces fields that the MAC covers, before it is made. */
  readonly claimed?: Partial<Pick<EnrolRequest, "nonce" | "host" | "csr">>;
  readonly exporter?: Uint8Array;
}

/** What a device sends. */
export async function enrolRequest(attempt: Attempt): Promise<EnrolRequest> {
  const { fleet, token, privateKey, claimed = {} } = attempt;
  const { id: tokenId, secret } = parseJoinToken(token);
  const signed = {
    nonce: fleet.service.challenge().nonce,
    host: "localhost",
    csr: await requestCertificate(privateKey),
    ...claimed,
  };
  const claim = { ...signed, tokenId, trustDomain, exporter: attempt.exporter ?? exporter };
  const mac = enrolmentMac(enrolmentKey(secret, tokenId), claim);
  return create(EnrolRequestSchema, { ...signed, tokenId, mac, channelBound: true, name: "kitchen" });
}
