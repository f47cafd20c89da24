import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import { serializeModel } from "@selvedge/onnx";
import {
  AdmissionService,
  digestOf,
  EnrolmentService,
  encodePlan,
  enrolmentKey,
  enrolmentMac,
  OperatorService,
  parseJoinToken,
  signPlan,
} from "@selvedge/protocol";
import {
  type ClientTls,
  createGatewayClient,
  createHttpBlobChannel,
  type GatewayClient,
} from "@selvedge/transport-grpc";
import { pino } from "pino";
import { type Coordinator, startCoordinator } from "./coordinator.ts";
import { openAuthority } from "./identity/certificate-authority.ts";
import { newDeviceKey, requestCertificate } from "./identity/fleet.fixture.ts";
import { openKeyFolder } from "./identity/key-folder.ts";
import type { OperatorRole } from "./identity/operator-tokens.ts";
import { smallModel, smallPlan } from "./jobs/plan.fixture.ts";

/** A whole coordinator on a free port and a temporary folder, and ways to call it. */
export interface RunningCoordinator extends AsyncDisposable {
  readonly folder: string;
  readonly coordinator: Coordinator;
  readonly ca: string;
  /** Of the first admin. */
  readonly adminToken: string;
  readonly admin: Client<typeof OperatorService>;
  /** The connection is closed with the coordinator. */
  connect(who: Caller): GatewayClient;
  operator(token: string): Client<typeof OperatorService>;
  /** A new operator; the name is the role's unless given. @returns the token. */
  createOperator(role: OperatorRole, name?: string): Promise<string>;
  /** Starts a job that waits for devices, under the key that is given or the first operator's. */
  startJob(id: string, key?: KeyObject): Promise<void>;
  /** Stops this one, and starts another on its folder. */
  restart(): Promise<RunningCoordinator>;
  readonly admission: Client<typeof AdmissionService>;
  /** Enrols a device. */
  enrol(grant?: { readonly approve: boolean }): Promise<EnrolledDevice>;
}

export interface EnrolledDevice {
  readonly deviceId: string;
  readonly current: ClientTls;
  /** With a certificate that was good a year ago. */
  readonly expired: ClientTls;
  /** With a certificate for a device without a record, as one that joined after a backup has. */
  readonly unknown: ClientTls;
}

export interface Caller {
  readonly tls?: ClientTls;
  readonly token?: string;
}

/** @param before - the folder of one that was stopped. */
export async function startTestCoordinator(before?: string): Promise<RunningCoordinator> {
  const folder = before ?? (await mkdtemp(join(tmpdir(), "selvedge-coordinator-test-")));
  const coordinator = await startCoordinator({
    folder,
    host: "127.0.0.1",
    port: 0,
    hosts,
    trustDomain,
    datasets: new Map(),
    log: pino({ level: "silent" }),
  });
  const file = JSON.parse(await readFile(join(folder, "operator.json"), "utf8"));
  const { ca, token: adminToken } = file as { readonly ca: string; readonly token: string };
  const clients: GatewayClient[] = [];
  const connect = ({ tls = { ca }, token }: Caller): GatewayClient => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const client = createGatewayClient({ url: coordinator.url, tls, headers });
    clients.push(client);
    return client;
  };
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    for (const client of clients) client.close();
    await coordinator.close();
  };
  const operator = (token: string) => createClient(OperatorService, connect({ token }).transport);
  const admin = operator(adminToken);
  return {
    folder,
    coordinator,
    ca,
    adminToken,
    admin,
    connect,
    operator,
    createOperator: async (role, name = role) => (await admin.createOperator({ name, role })).token,
    admission: createClient(AdmissionService, connect({ token: adminToken }).transport),
    async enrol(grant = { approve: false }) {
      const { token } = await admin.createToken({ uses: 1, ...grant });
      return enrol(folder, ca, token, createClient(EnrolmentService, connect({}).transport));
    },
    async startJob(id, key) {
      const pem = () => readFile(join(folder, "operator", "operator.key"));
      await startJob(
        { id, admin, blobs: { url: coordinator.url, ca, token: adminToken } },
        key ?? createPrivateKey(await pem()),
      );
    },
    async restart() {
      await stop();
      return startTestCoordinator(folder);
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface JobStart {
  readonly id: string;
  readonly admin: Client<typeof OperatorService>;
  readonly blobs: { readonly url: string; readonly ca: string; readonly token: string };
}

async function startJob({ id, admin, blobs }: JobStart, key: KeyObject): Promise<void> {
  const bytes = serializeModel(smallModel);
  const digest = digestOf(bytes);
  const headers = { authorization: `Bearer ${blobs.token}` };
  const channel = createHttpBlobChannel({ url: blobs.url, tls: { ca: blobs.ca }, headers });
  async function* part(start: number, end: number) {
    yield bytes.subarray(start, end);
  }
  await channel.upload({ digest, length: bytes.length }, part, AbortSignal.timeout(20_000));
  channel.close();
  const plan = encodePlan(smallPlan(digest, bytes.length, 1, 2));
  await admin.runJob({ job: id, plan, planSignature: signPlan(plan, key) });
}

async function enrol(
  folder: string,
  ca: string,
  joinToken: string,
  client: Client<typeof EnrolmentService>,
): Promise<EnrolledDevice> {
  const { id: tokenId, secret } = parseJoinToken(joinToken);
  const privateKey = newDeviceKey();
  const { nonce } = await client.challenge({});
  const signed = { nonce, host: "127.0.0.1", csr: await requestCertificate(privateKey) };
  const claim = { ...signed, tokenId, trustDomain, exporter: new Uint8Array() };
  const mac = enrolmentMac(enrolmentKey(secret, tokenId), claim);
  const { deviceId, chain } = await client.enrol({ ...signed, tokenId, mac, name: `d-${randomUUID()}` });
  const keys = await openKeyFolder(join(folder, "keys"));
  const authority = await openAuthority({ folder: keys, trustDomain, hosts, nowMs: Date.now() });
  const publicKey = createPublicKey(privateKey);
  const old = await authority.issueDeviceCertificate(publicKey, deviceId, Date.now() - yearMs);
  const lost = await authority.issueDeviceCertificate(publicKey, randomUUID(), Date.now());
  const tlsOf = (certificates: readonly Uint8Array[]): ClientTls => ({
    ca,
    cert: certificates.map(pemOf).join(""),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  });
  return { deviceId, current: tlsOf(chain), expired: tlsOf(old.chain), unknown: tlsOf(lost.chain) };
}

function pemOf(der: Uint8Array): string {
  const base64 = Buffer.from(der).toString("base64").replaceAll(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${base64.trimEnd()}\n-----END CERTIFICATE-----\n`;
}

const trustDomain = "fleet.test";
const hosts: readonly string[] = ["127.0.0.1", "localhost"];
const yearMs = 365 * 86_400_000;
