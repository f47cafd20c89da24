import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  AuditLog,
  type Authority,
  createCallLimits,
  createEnrolmentService,
  createGatekeeper,
  createTokenStore,
  type DeviceRegistry,
  type EnrolmentService,
  listTokenReuse,
  OperatorTokens,
  openAuthority,
  openDeviceRegistry,
  openKeyFolder,
  type TokenReuse,
} from "@selvedge/coordinator";
import { EnrolmentService as EnrolmentRpc, rawPublicKey } from "@selvedge/protocol";
import { openMemoryStore } from "@selvedge/storage";
import { exporterOf, type Gateway, type HttpRoute, startGateway } from "@selvedge/transport-grpc";

export interface FixtureCoordinatorOptions {
  /** A folder for its keys. */
  readonly path: string;
  readonly hosts?: readonly string[];
  /** What is shown as root certificates instead of its own. */
  readonly shownRoot?: Authority["root"];
  /** Stands before the service, to lose replies or spoil them. */
  around?(service: EnrolmentService): EnrolmentService;
  readonly now?: () => number;
}

/** The coordinator's real enrolment behind the real gateway, on a free port. */
export interface FixtureCoordinator {
  readonly url: string;
  readonly authority: Authority;
  readonly operatorKey: KeyObject;
  readonly devices: DeviceRegistry;
  /** @param approve whether devices that come with it wait for approval. */
  createToken(uses?: number, approve?: boolean): Promise<string>;
  securityEvents(): Promise<readonly TokenReuse[]>;
  close(): Promise<void>;
}

export async function startFixtureCoordinator(
  options: FixtureCoordinatorOptions,
): Promise<FixtureCoordinator> {
  const { path, hosts = ["localhost"], around = (service) => service, now = Date.now } = options;
  const store = openMemoryStore();
  const folder = await openKeyFolder(path);
  const authority = await openAuthority({ folder, trustDomain: "fleet.example", hosts, nowMs: Date.now() });
  const operatorKey = generateKeyPairSync("ed25519").publicKey;
  const devices = await openDeviceRegistry(store);
  const tokens = createTokenStore({ store, rootPin: () => authority.rootPin, now });
  const trust = () => ({
    releaseRoot: Buffer.from('{"signed":{}}'),
    sealingKey: new Uint8Array(
      createPublicKey(authority.sealingKey).export({ type: "spki", format: "der" }).subarray(-32),
    ),
    operatorKeys: [rawPublicKey(operatorKey)],
  });
  const log = { info: () => {}, warn: () => {} };
  const audit = await AuditLog.open(store, now);
  const service = around(
    createEnrolmentService({ store, authority, tokens, devices, audit, trust, log, now }),
  );
  const operatorTokens = await OperatorTokens.open({ store, rootPin: () => authority.rootPin, now });
  const gatekeeper = createGatekeeper({
    authority,
    devices,
    operatorTokens,
    limits: createCallLimits(now),
    onRefusal: () => {},
    now,
  });
  const gateway = await startEnrolmentGateway(authority, service, gatekeeper, options.shownRoot);
  return {
    url: `https://localhost:${gateway.port}`,
    authority,
    operatorKey,
    devices,
    createToken: async (uses = 1, approve = false) =>
      (await tokens.create({ ttlSeconds: 3600, uses, approve })).text,
    securityEvents: () => listTokenReuse(store),
    close: () => gateway.close(),
  };
}

function startEnrolmentGateway(
  authority: Authority,
  service: EnrolmentService,
  gatekeeper: ReturnType<typeof createGatekeeper>,
  shownRoot: Authority["root"] = authority.root,
): Promise<Gateway> {
  const { key, chain: cert } = authority.server;
  return startGateway({
    host: "localhost",
    port: 0,
    tls: { key, cert, clientCa: authority.root.toString() },
    authorise: (call) => gatekeeper(call),
    services: (router) =>
      router.service(EnrolmentRpc, {
        challenge: () => service.challenge(),
        enrol: (request, context) => service.enrol(request, { exporter: exporterOf(context) }),
      }),
    httpRoutes: [rootCertificates(shownRoot)],
    onInternalError: (thrown) => {
      throw thrown;
    },
    closeGraceMs: 0,
  });
}

function rootCertificates(root: Authority["root"]): HttpRoute<unknown> {
  return {
    route: "cacerts",
    methods: ["GET"],
    path: "/.well-known/selvedge/cacerts",
    bodyBytesMax: 0,
    handle: async () => ({ status: 200, headers: {}, body: Buffer.from(root.toString()) }),
  };
}
