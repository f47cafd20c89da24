import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { AuditLog, OperatorTokens, operatorAccounts, type Principal } from "@selvedge/coordinator";
import {
  AdmissionService,
  type CheckedPlan,
  type Device,
  DeviceSchema,
  decodePlan,
  ImageService,
  IssuedTokenSchema,
  type Job,
  JobSchema,
  OperatorService,
  SelvedgeError,
  verifyPlan,
} from "@selvedge/protocol";
import {
  createReleaseRepository,
  generateSigningKey,
  ReleaseRepository,
  type SigningKey,
  writeKeyFile,
} from "@selvedge/registry";
import { type BlobStore, openMemoryBlobStore, openMemoryStore } from "@selvedge/storage";
import { createTestAuthority } from "@selvedge/testkit";
import { blobRoutes, type Gateway, type HttpRoute, startGateway } from "@selvedge/transport-grpc";
import { now, type Outcome, type Surroundings, selvedge } from "../terminal.fixture.ts";

/** Stands for a coordinator: the real gateway, blobs and release repository, and jobs that a test scripts. */
export interface FakeCoordinator extends AsyncDisposable {
  /** Holds operator.json. */
  readonly folder: string;
  readonly url: string;
  readonly blobs: BlobStore;
  readonly jobs: Map<string, Job>;
  /** Plans that were started, checked. */
  readonly plans: Map<string, CheckedPlan>;
  /** What `WatchJob` yields, by job. */
  readonly watched: Map<string, readonly Job[]>;
  readonly audit: AuditLog;
  /** Models that anyone may pull. */
  readonly publicModels: Set<string>;
  /** Set to make every call fail. */
  failure: SelvedgeError | undefined;
  /** Runs a command line without quoted words, as an admin at work in the folder. */
  run(line: string, surroundings?: Surroundings): Promise<Outcome>;
}

export async function startFakeCoordinator(): Promise<FakeCoordinator> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const releaseKey = generateSigningKey();
  const releases = await openReleases(releaseKey);
  const authority = await createTestAuthority();
  const records = openMemoryStore();
  const audit = await AuditLog.open(records, () => now);
  const operatorTokens = await OperatorTokens.open({
    store: records,
    rootPin: () => pinOf(authority.ca),
    now: () => now,
  });
  const admin = await operatorTokens.create({ name: "admin", role: "admin", lifetimeMs: 86_400_000 });
  const blobs = openMemoryBlobStore();
  const [jobs, plans, watched] = [
    new Map<string, Job>(),
    new Map<string, CheckedPlan>(),
    new Map<string, readonly Job[]>(),
  ];
  const publicModels = new Set<string>();
  const service = operatorService({ jobs, plans, watched, releases, publicKey });
  const gateway: Gateway = await startGateway<Principal>({
    host: "127.0.0.1",
    port: 0,
    tls: { ...(await authority.issueServer()), clientCa: authority.ca },
    services(router, principalOf) {
      const recheckOperator = () => gateway.recheck();
      const accounts = { operatorTokens, audit, trustDomain: "fleet.test", principalOf, recheckOperator };
      router.service(OperatorService, { ...service, ...operatorAccounts(accounts) });
      router.service(AdmissionService, admissionService());
      router.service(ImageService, imageService(publicModels));
    },
    httpRoutes: [
      ...blobRoutes<Principal>({ store: blobs, canRead: () => true, writeBytesMax: () => 1_000_000 }),
      rootCertificates(authority.ca),
    ],
    authorise({ headers, route }): Principal {
      if (fake.failure !== undefined) throw fake.failure;
      if (route === "cacerts") return { kind: "none" };
      const verdict = operatorTokens.verify((headers.authorization ?? "").replace("Bearer ", ""));
      if ("operator" in verdict) return { kind: "operator", ...verdict.operator };
      throw new SelvedgeError("unauthenticated", "the caller is not known", {
        fix: "give an operator token",
      });
    },
    onInternalError: () => {},
    closeGraceMs: 100,
  });
  const url = `https://127.0.0.1:${gateway.port}`;
  await writeOperator(folder, { url, ca: authority.ca, token: admin.text, privateKey, releaseKey });
  const fake: FakeCoordinator = {
    folder,
    url,
    blobs,
    jobs,
    plans,
    watched,
    audit,
    publicModels,
    failure: undefined,
    run: (line, surroundings) =>
      selvedge(line.split(" "), {
        workingFolder: folder,
        env: { SELVEDGE_STATE: folder },
        ...surroundings,
      }),
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return fake;
}

function pinOf(ca: string): Uint8Array {
  const spki = new X509Certificate(ca).publicKey.export({ type: "spki", format: "der" });
  return new Uint8Array(createHash("sha256").update(spki).digest());
}

function rootCertificates(ca: string): HttpRoute<Principal> {
  return {
    route: "cacerts",
    methods: ["GET"],
    path: "/.well-known/selvedge/cacerts",
    bodyBytesMax: 0,
    handle: async () => ({ status: 200, headers: {}, body: Buffer.from(ca) }),
  };
}

async function openReleases(release: ReturnType<typeof generateSigningKey>): Promise<ReleaseRepository> {
  const [root, online, round] = [generateSigningKey(), generateSigningKey(), generateSigningKey()];
  const initial = createReleaseRepository({ keys: { root, release, online, round }, now });
  return ReleaseRepository.create({ store: openMemoryStore(), onlineKey: online, now: () => now, initial });
}

/** Every device that is asked about becomes what the call asks for. */
function admissionService(): ServiceImpl<typeof AdmissionService> {
  const changed = (id: string, change: Partial<Device>): { device: Device } => {
    const device = devices.find((one) => one.id === id);
    if (device === undefined) throw new SelvedgeError("not_found", `no device "${id}"`);
    return { device: { ...device, ...change } };
  };
  const token = create(IssuedTokenSchema, {
    id: "5b2f0c9e4d1a7788",
    uses: 5,
    used: 2,
    group: "north",
    tags: ["camera"],
    approve: true,
    createdAtMs: BigInt(now - 60_000),
    expiresAtMs: BigInt(now + 3_600_000),
    refused: 3,
  });
  return {
    listTokens: () => ({ tokens: [token, { ...token, approve: false, revokedAtMs: BigInt(now) }] }),
    revokeToken: () => ({ token: { ...token, revokedAtMs: BigInt(now) } }),
    getDevice: ({ device }) => changed(device, {}),
    approveDevice: ({ device }) => changed(device, { standing: "active" }),
    revokeDevice: ({ device, reason }) => changed(device, { standing: "revoked", standingReason: reason }),
    renameDevice: ({ device, name }) => changed(device, { name }),
    groupDevice: ({ device, group, tags, setTags }) => changed(device, { group, ...(setTags && { tags }) }),
  };
}

interface OperatorParts {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly privateKey: KeyObject;
  readonly releaseKey: SigningKey;
}

async function writeOperator(
  folder: string,
  { url, ca, token, privateKey, releaseKey }: OperatorParts,
): Promise<void> {
  await writeKeyFile(join(folder, "release.key"), releaseKey);
  await writeFile(join(folder, "operator.key"), privateKey.export({ type: "pkcs8", format: "pem" }), {
    mode: 0o600,
  });
  const file = { url, ca, token, operatorKey: "operator.key", releaseKey: "release.key" };
  await writeFile(join(folder, "operator.json"), JSON.stringify(file), { mode: 0o600 });
}

/** Only second versions have images. */
function imageService(publicModels: Set<string>): ServiceImpl<typeof ImageService> {
  return {
    getImage: ({ model, version }) => ({
      digest: version === 2n ? `sha256:${"2".repeat(64)}` : "",
      public: publicModels.has(model),
    }),
    setImageAccess({ model, public: isPublic }) {
      if (isPublic) publicModels.add(model);
      else publicModels.delete(model);
      return {};
    },
  };
}

function operatorService({
  jobs,
  plans,
  watched,
  releases,
  publicKey,
}: Pick<FakeCoordinator, "jobs" | "plans" | "watched"> & {
  readonly releases: ReleaseRepository;
  readonly publicKey: Parameters<typeof verifyPlan>[2][number];
}): Omit<ServiceImpl<typeof OperatorService>, keyof ReturnType<typeof operatorAccounts>> {
  const jobNamed = (id: string): Job => {
    const job = jobs.get(id);
    if (job !== undefined) return job;
    throw new SelvedgeError("not_found", `no job "${id}"`, { fix: "see `selvedge job list`" });
  };
  return {
    getStatus: () => ({
      softwareVersion: "0.1.0",
      trustDomain: "fleet.test",
      startedAtMs: BigInt(now - 7_200_000),
      devices: 2,
      devicesOnline: 1,
      devicesPending: 0,
      devicesQuarantined: 1,
      devicesRevoked: 0,
      jobsRunning: 1,
      models: 0,
      bytesReceived: 7_600_000n,
      bytesSent: 812n,
    }),
    createToken: ({ ttlSeconds, uses, group, tags, approve }) => ({
      token: `svj1.${[`for-${uses}`, group, ...tags, ...(approve ? ["approve"] : [])].filter(Boolean).join("-")}`,
      id: "5b2f0c9e4d1a7788",
      expiresAtMs: BigInt(now + ttlSeconds * 1_000),
    }),
    listDevices: () => ({ devices }),
    runJob({ job: id, plan, planSignature }) {
      if (planSignature === undefined) throw new SelvedgeError("invalid_argument", "not signed");
      verifyPlan(plan, planSignature, [publicKey]);
      const checked = decodePlan(plan);
      plans.set(id, checked);
      const job = create(JobSchema, {
        id,
        name: checked.plan.name,
        status: "waiting",
        rounds: checked.plan.schedule?.rounds ?? 0,
      });
      jobs.set(id, job);
      return { job };
    },
    listJobs: () => ({ jobs: [...jobs.values()] }),
    getJob: ({ job }) => {
      const plan = plans.get(job)?.plan;
      return { job: jobNamed(job), ...(plan && { plan }) };
    },
    async *watchJob({ job: id }) {
      for (const job of watched.get(id) ?? [jobNamed(id)]) yield { job };
    },
    cancelJob({ job: id }) {
      const job = { ...jobNamed(id), status: "cancelled" };
      jobs.set(id, job);
      return { job };
    },
    listModels: () => ({
      models: releases.releases().map(({ name, version, job, blob }, _index, all) => ({
        name,
        version: BigInt(version),
        job,
        blob: { digest: blob.digest, length: BigInt(blob.length) },
        current: all.every((other) => other.name !== name || other.version <= version),
      })),
    }),
    getReleaseMetadata: () => ({ root: releases.currentRoot(), targets: releases.currentTargets() }),
    publishRelease: async ({ targets }) => ({ timestampVersion: BigInt(await releases.publish(targets)) }),
  };
}

const devices = [
  create(DeviceSchema, {
    id: "7d9e0a52-0000-4000-8000-000000000001",
    name: "kitchen",
    online: true,
    standing: "active",
    group: "north",
    tags: ["camera"],
    tokenId: "5b2f0c9e4d1a7788",
    softwareVersion: "0.1.0",
    architecture: "x64",
    certificateSerial: "0a",
    enrolledAtMs: BigInt(now - 86_400_000),
    lastSeenAtMs: BigInt(now - 5_000),
    certificateExpiresAtMs: BigInt(now + 30 * 86_400_000),
    datasets: ["digits"],
    models: [{ name: "digits", version: 1n, serving: true }],
  }),
  create(DeviceSchema, {
    id: "7d9e0a52-0000-4000-8000-000000000002",
    // A device chooses its words; they must not reach the terminal as they are.
    name: "shed\u001b[2J",
    standing: "quarantined",
    standingReason: "its identity is in use twice",
    standingSinceMs: BigInt(now - 60_000),
    forks: 2,
    lastForkAtMs: BigInt(now - 60_000),
    lastSeenAtMs: BigInt(now - 180_000),
    certificateExpiresAtMs: BigInt(now - 1),
    models: [{ name: "digits", version: 1n, error: "unsigned" }],
  }),
];
