import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  AuditLog,
  type Authority,
  createCallLimits,
  createChallenges,
  createEnrolmentService,
  createGatekeeper,
  createRenewalService,
  createTokenStore,
  type DeviceRegistry,
  type EnrolmentService,
  listTokenReuse,
  OperatorTokens,
  openAuthority,
  openDeviceRegistry,
  openKeyFolder,
  type Principal,
  type RenewalService,
  type TokenReuse,
} from "@selvedge/coordinator";
import {
  EnrolmentService as EnrolmentRpc,
  RenewalService as RenewalRpc,
  rawPublicKey,
} from "@selvedge/protocol";
import { openMemoryStore } from "@selvedge/storage";
import {
  certificateOf,
  exporterOf,
  type Gateway,
  type GatewayTls,
  type HttpRoute,
  startGateway,
} from "@selvedge/transport-grpc";

export interface FixtureCoordinatorOptions {
  /** A folder for its keys. */
  readonly path: string;
  readonly hosts?: readonly string[];
  /** What is shown as root certificates instead of its own. */
  readonly shownRoot?: Authority["root"];
  /** Stands before the service, to lose replies or spoil them. */
  around?(service: EnrolmentService): EnrolmentService;
  aroundRenewal?(service: RenewalService): RenewalService;
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
  /** Devices that were suspected, in this order. */
  readonly suspects: readonly string[];
  /** Routes that were called, in this order. */
  readonly calls: readonly string[];
  securityEvents(): Promise<readonly TokenReuse[]>;
  close(): Promise<void>;
}

export async function startFixtureCoordinator(
  options: FixtureCoordinatorOptions,
): Promise<FixtureCoordinator> {
  const { path, hosts = ["localhost"], around = (service) => service, now = Date.now } = options;
  const { aroundRenewal = (service) => service } = options;
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
  const challenges = createChallenges(now);
  const service = around(
    createEnrolmentService({ store, authority, tokens, devices, challenges, audit, trust, log, now }),
  );
  const suspects: string[] = [];
  const admission = { suspect: async (id: string) => void suspects.push(id) };
  const graceWindowMs = 30 * 86_400_000;
  const renewal = aroundRenewal(
    createRenewalService({ authority, devices, admission, challenges, audit, graceWindowMs, log, now }),
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
  const { shownRoot } = options;
  const gateway = await startIdentityGateway({ authority, service, renewal, gatekeeper, shownRoot });
  authority.onChange(() => gateway.setTls(tlsOf(authority)));
  return {
    url: `https://localhost:${gateway.port}`,
    authority,
    operatorKey,
    devices,
    createToken: async (uses = 1, approve = false) =>
      (await tokens.create({ ttlSeconds: 3600, uses, approve })).text,
    suspects,
    calls: gateway.calls,
    securityEvents: () => listTokenReuse(store),
    close: () => gateway.close(),
  };
}

interface IdentityGateway {
  readonly authority: Authority;
  readonly service: EnrolmentService;
  readonly renewal: RenewalService;
  readonly gatekeeper: ReturnType<typeof createGatekeeper>;
  readonly shownRoot: Authority["root"] | undefined;
}

async function startIdentityGateway(
  options: IdentityGateway,
): Promise<Gateway<Principal> & { calls: string[] }> {
  const { authority, service, renewal, gatekeeper, shownRoot } = options;
  const calls: string[] = [];
  const gateway = await startGateway<Principal>({
    host: "localhost",
    port: 0,
    tls: tlsOf(authority),
    authorise(call) {
      calls.push(call.route);
      return gatekeeper(call);
    },
    services(router, principalOf) {
      router.service(EnrolmentRpc, {
        challenge: () => service.challenge(),
        enrol: (request, context) => service.enrol(request, { exporter: exporterOf(context) }),
      });
      router.service(RenewalRpc, {
        async renew(request, context) {
          const principal = principalOf(context);
          if (!("deviceId" in principal)) throw new Error("only a device renews");
          return renewal.renew(principal.deviceId, certificateOf(context) ?? new Uint8Array(), request);
        },
        confirmCertificate: () => renewal.confirm(),
        renewExpired: (request) => renewal.renewExpired(request),
      });
    },
    httpRoutes: [rootCertificates(() => shownRoot?.toString() ?? authority.trustBundle.join(""))],
    onInternalError: (thrown) => {
      throw thrown;
    },
    closeGraceMs: 0,
  });
  return { ...gateway, calls };
}

function tlsOf({ clientRoots, server }: Authority): GatewayTls {
  return { key: server.key, cert: server.chain, clientCa: clientRoots.map(String) };
}

function rootCertificates(pem: () => string): HttpRoute<unknown> {
  return {
    route: "cacerts",
    methods: ["GET"],
    path: "/.well-known/selvedge/cacerts",
    bodyBytesMax: 0,
    handle: async () => ({ status: 200, headers: {}, body: Buffer.from(pem()) }),
  };
}
