import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import {
  create,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type DescService,
} from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import * as protocol from "@selvedge/protocol";
import { AuditVerifier, keyIdOf, rawPublicKey, SelvedgeError } from "@selvedge/protocol";
import type { GatewayClient } from "@selvedge/transport-grpc";
import { type Caller, type RunningCoordinator, startTestCoordinator } from "./coordinator.fixture.ts";
import { type HttpProbe, probeHttp } from "./http-probe.fixture.ts";
import { type CallerKind, callers, expectedAccess } from "./identity/routes.fixture.ts";
import { routes } from "./identity/routes.ts";

suite("a coordinator's port", () => {
  let running: RunningCoordinator;
  let who: Readonly<Record<CallerKind, Caller>>;
  before(async () => {
    running = await startTestCoordinator();
    const { current, expired, unknown } = await running.enrol();
    const pending = await running.enrol({ approve: true });
    const barred = await running.enrol();
    await running.admission.revokeDevice({ device: barred.deviceId });
    const { createOperator } = running;
    who = {
      none: {},
      device: { tls: current },
      expired: { tls: expired },
      pending: { tls: pending.current },
      unknown: { tls: unknown },
      barred: { tls: barred.current },
      puller: { token: await createOperator("puller") },
      viewer: { token: await createOperator("viewer") },
      operator: { token: await createOperator("operator") },
      releaser: { token: await createOperator("releaser") },
      admin: { token: running.adminToken },
    };
  });
  after(() => running[Symbol.asyncDispose]());

  const probe = (request: Omit<HttpProbe, "url" | "ca">) =>
    probeHttp({ url: running.coordinator.url, ca: running.ca, ...request });

  test("[EN13] what is served is what has a row, and what the tests below ask for", () => {
    const served = [...running.coordinator.routes].sort();
    assert.deepEqual(served, Object.keys(routes).sort());
    assert.deepEqual(served, Object.keys(expectedAccess).sort());
    const asked = [...methodsOf(running).map(routeOf), ...Object.keys(plainRequests)];
    assert.deepEqual(served, asked.sort());
  });

  for (const caller of callers) {
    test(`[EN13] through the port, ${caller} reaches what the table says and nothing else`, async () => {
      const client = running.connect(who[caller]);
      const check = (route: string, refused: boolean) =>
        assert.equal(!refused, expectedAccess[route]?.includes(caller), route);
      // One after the other: a connection has fewer streams than there are methods.
      for (const method of methodsOf(running)) {
        check(routeOf(method), await refusalOf(callRpc(client, method), routeOf(method)));
      }
      const { tls, token } = who[caller];
      const requests = Object.entries(plainRequests).map(async ([route, request]) => {
        const answer = await probe({ ...request, ...(token && { token }), ...(tls && { tls }) });
        check(route, [401, 403].includes(answer.status) && placeOf(answer.body) === route);
      });
      await Promise.all(requests);
      client.close();
    });
  }

  test("[EN14] a name that only points here (DNS rebinding) gets an operator's browser nothing", async () => {
    const { port } = running.coordinator;
    const token = running.adminToken;
    const ask = (host: string, http2 = false) => probe({ ...whoAmI, token, headers: { host }, http2 });
    for (const http2 of [false, true]) {
      assert.equal((await ask(`127.0.0.1:${port}`, http2)).status, 200);
      for (const host of [`evil.example:${port}`, `127.0.0.1.evil.example:${port}`, "evil.example"]) {
        const { status, body } = await ask(host, http2);
        assert.deepEqual([status, JSON.parse(body).code], [403, "permission_denied"], host);
      }
    }
    const pageless = await probe({ ...whoAmI, headers: { host: `evil.example:${port}` } });
    assert.equal(pageless.status, 401, "without a token there is nothing to take");
  });

  test("[EN14] a page of another origin cannot call, nor learn that it could", async () => {
    const { port } = running.coordinator;
    const token = running.adminToken;
    const own = `https://127.0.0.1:${port}`;
    const ask = (origin: string) => probe({ ...whoAmI, token, headers: { origin } });
    assert.equal((await ask(own)).status, 200);
    assert.equal((await probe({ ...whoAmI, token })).status, 200, "a command sends no Origin");
    for (const origin of [
      "https://evil.example",
      "null",
      `https://127.0.0.1:${port + 1}`,
      `http://127.0.0.1:${port}`,
    ]) {
      const { status, headers } = await ask(origin);
      assert.equal(status, 403, origin);
      assert.equal(headers["access-control-allow-origin"], undefined);
    }
    const preflight = await probe({
      method: "OPTIONS",
      path: whoAmI.path,
      headers: {
        origin: "https://evil.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });
    assert.ok(preflight.status >= 400, String(preflight.status));
    assert.equal(preflight.headers["access-control-allow-origin"], undefined);
    const blob = { ...plainRequests["blobs.read"], token, headers: { origin: "https://evil.example" } };
    assert.equal((await probe(blob)).status, 403);
  });

  test("[OR3] a revoked operator's open stream ends within a second, and the token is worth nothing", async () => {
    const token = await running.createOperator("viewer", "leaver");
    const leaver = running.operator(token);
    await running.startJob("watched");
    const watch = leaver.watchJob({ job: "watched" })[Symbol.asyncIterator]();
    assert.equal((await watch.next()).value?.job?.id, "watched");
    const ended = endOf({ [Symbol.asyncIterator]: () => watch });
    const start = performance.now();
    await running.admin.revokeOperator({ name: "leaver" });
    const error = await ended;
    assert.ok(performance.now() - start < 1_000);
    assert.deepEqual([error.code, /is revoked/.test(error.message)], ["unauthenticated", true]);
    await assert.rejects(leaver.whoAmI({}), { code: "unauthenticated", fix: /operator create/ });
  });

  test("[OR7] an operator's own key signs plans while the operator may run jobs", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const ada = running.operator(await running.createOperator("operator", "ada"));
    await assert.rejects(running.startJob("early", privateKey), { code: "untrusted" });
    const { keyId } = await ada.registerPlanKey({ publicKey: rawPublicKey(publicKey) });
    assert.equal(keyId, keyIdOf(publicKey));
    assert.equal((await ada.whoAmI({})).operator?.planKeyId, keyId);
    await running.startJob("signed", privateKey);
    assert.equal((await ada.getJob({ job: "signed" })).job?.signer, keyId);
    await running.admin.revokeOperator({ name: "ada" });
    await assert.rejects(running.startJob("late", privateKey), { code: "untrusted" });
    await assert.rejects(running.admin.registerPlanKey({ publicKey: new Uint8Array(31) }), {
      code: "invalid_argument",
    });
  });

  test("[OR1] an operator's account says who they are and until when", async () => {
    const { operator } = await running.operator(await running.createOperator("releaser", "rita")).whoAmI({});
    assert.deepEqual([operator?.name, operator?.role], ["rita", "releaser"]);
    assert.equal(operator && operator.expiresAtMs - operator.createdAtMs, 90n * 86_400_000n);
    const { operators } = await running.admin.listOperators({});
    assert.ok(operators.some(({ name, lastUsedAtMs }) => name === "rita" && lastUsedAtMs > 0n));
    assert.ok(!JSON.stringify(operators, (_, value) => String(value)).includes(running.adminToken));
    await assert.rejects(running.admin.createOperator({ name: "x", role: "root" }), {
      code: "invalid_argument",
    });
  });

  test("[OR5] too many wrong tokens are told to wait, over RPC and plain HTTP, and right ones go through", async () => {
    const wrong = running.operator("svo1.wrong");
    const codes = new Set<string>();
    for (let call = 0; call < 25; call += 1) {
      const error = SelvedgeError.from(await wrong.whoAmI({}).catch((thrown: unknown) => thrown));
      codes.add(error.code);
      if (error.code === "resource_exhausted") assert.ok((error.retryAfterMs ?? 0) > 0);
    }
    assert.ok(codes.has("resource_exhausted"));
    const { status, headers } = await probe({ ...plainRequests["releases.read"], token: "svo1.wrong" });
    assert.equal(status, 429);
    assert.match(String(headers["retry-after"]), /^[1-6]$/);
    assert.equal((await running.admin.whoAmI({})).operator?.name, "admin");
  });
});

test("[AU4] what operators change is in the audit log, before it is done, and again when it failed", async () => {
  await using running = await startTestCoordinator();
  await running.enrol();
  await running.admin.createOperator({ name: "audited", role: "viewer", lifetimeSeconds: 60 });
  await assert.rejects(running.admin.revokeOperator({ name: "nobody" }), { code: "not_found" });
  const records = await auditOf(running);
  const ofName = (name: string) => records.filter(({ subject }) => subject === name);
  assert.deepEqual(
    ofName("audited").map(({ actor, action, detail }) => ({ actor, action, detail })),
    [
      {
        actor: "operator:admin",
        action: "create-operator",
        detail: { role: "viewer", lifetimeSeconds: 60 },
      },
    ],
  );
  assert.deepEqual(
    ofName("nobody").map(({ action, detail }) => [action, detail.code]),
    [
      ["revoke-operator", undefined],
      ["revoke-operator-failed", "not_found"],
    ],
  );
  const enrolled = records.filter(({ action }) => action === "enrol");
  assert.ok(enrolled.some(({ actor }) => actor.startsWith("device:")));
});

test("[AU5] wrong tokens, and operators who want too much, are in the audit log", async () => {
  await using running = await startTestCoordinator();
  const viewer = running.operator(await running.createOperator("viewer"));
  const wrong = running.operator("svo1.wrong");
  await assert.rejects(wrong.whoAmI({}), { code: "unauthenticated" });
  await assert.rejects(viewer.createToken({}), {
    code: "permission_denied",
  });
  const records = await auditOf(running);
  const login = records.findLast(({ action }) => action === "refused-login");
  assert.deepEqual(
    [login?.actor, login?.subject],
    ["address:127.0.0.1", "selvedge.v1.OperatorService/WhoAmI"],
  );
  const refused = records.findLast(({ action }) => action === "refused-operator");
  assert.deepEqual(
    [refused?.actor, refused?.subject],
    ["operator:viewer", "selvedge.v1.OperatorService/CreateToken"],
  );
});

test("[AU5] who is refused a certificate, with a join token or an old certificate, is in the audit log", async () => {
  await using running = await startTestCoordinator();
  const { transport } = running.connect({});
  const enrolment = createClient(protocol.EnrolmentService, transport);
  const renewal = createClient(protocol.RenewalService, transport);
  const { nonce } = await enrolment.challenge({});
  await assert.rejects(enrolment.enrol({ nonce, tokenId: "0123456789abcdef", name: "kitchen" }));
  await assert.rejects(renewal.renewExpired({ nonce, chain: [new Uint8Array(9)] }));
  const refused = (await auditOf(running)).filter(({ action }) => /^refused-/.test(action));
  assert.deepEqual(
    refused.map(({ actor, action, subject, detail }) => [actor, action, subject, detail.code]),
    [
      ["address:127.0.0.1", "refused-enrolment", "0123456789abcdef", "unauthenticated"],
      ["address:127.0.0.1", "refused-renewal", "selvedge.v1.RenewalService/RenewExpired", "unauthenticated"],
    ],
  );
});

test("[OR4] the first admin's token is made when there is none, and not made again for one that was revoked", async () => {
  await using running = await startTestCoordinator();
  const { folder } = running;
  const path = join(folder, "operator.json");
  await running.createOperator("admin", "second");
  await running.admin.revokeOperator({ name: "admin" });
  const before = await readFile(path, "utf8");
  await using again = await running.restart();
  assert.equal(JSON.parse(before).token, JSON.parse(await readFile(path, "utf8")).token);
  await assert.rejects(again.admin.whoAmI({}), { code: "unauthenticated" });
  await writeFile(path, "spoilt");
  await using third = await again.restart();
  assert.equal((await third.admin.whoAmI({})).operator?.name, "admin");
  await rm(path);
  await using fourth = await third.restart();
  assert.equal((await fourth.admin.whoAmI({})).operator?.name, "admin");
  const records = await auditOf(fourth);
  assert.equal(records.filter(({ actor }) => actor === "coordinator").length, 3);
});

test("what a backup that was killed left behind is gone after a day, with the next start", async () => {
  await using running = await startTestCoordinator();
  const left = join(running.folder, "snapshots", "left");
  await mkdir(left, { recursive: true });
  const longAgo = Date.now() / 1_000 - 25 * 3_600;
  await utimes(left, longAgo, longAgo);
  await using again = await running.restart();
  assert.deepEqual(await readdir(join(again.folder, "snapshots")), []);
});

/** Every method of every service in proto/ that is served. */
function methodsOf({ coordinator }: RunningCoordinator): DescMethod[] {
  const exports: readonly unknown[] = Object.values(protocol);
  const services = exports.filter(
    (value): value is DescService =>
      typeof value === "object" && value !== null && "kind" in value && value.kind === "service",
  );
  const isServed = ({ typeName }: DescService) =>
    coordinator.routes.some((route) => route.startsWith(`${typeName}/`));
  return services.filter(isServed).flatMap((service) => service.methods);
}

function routeOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

const whoAmI = {
  method: "POST",
  path: "/selvedge.v1.OperatorService/WhoAmI",
  body: "{}",
  contentType: "application/json",
} as const;

const noBlob = `sha256:${"0".repeat(64)}`;
const plainRequests = {
  healthz: { method: "GET", path: "/healthz" },
  metrics: { method: "GET", path: "/metrics" },
  cacerts: { method: "GET", path: "/.well-known/selvedge/cacerts" },
  "blobs.read": { method: "GET", path: `/v1/blobs/${noBlob}` },
  "blobs.write": { method: "PUT", path: `/v1/blobs/${noBlob}`, body: "x" },
  "releases.read": { method: "GET", path: "/v1/releases/timestamp.json" },
  "registry.read": { method: "GET", path: "/v2/" },
  "registry.token": { method: "GET", path: "/v2/token" },
  "registry.write": { method: "POST", path: "/v2/tools/x/blobs/uploads/" },
} as const;

async function callRpc({ transport }: GatewayClient, method: DescMethod): Promise<void> {
  const empty = create(method.input);
  const patience = AbortSignal.timeout(20_000);
  if (method.methodKind === "unary") {
    await transport.unary(method as DescMethodUnary, patience, undefined, undefined, empty);
    return;
  }
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, patience]);
  async function* one() {
    yield empty;
  }
  const streaming = method as DescMethodStreaming;
  const response = await transport.stream(streaming, signal, undefined, undefined, one());
  try {
    for await (const _ of response.message) return;
  } finally {
    stop.abort();
  }
}

/** Where a refusal says that it happened; the registry has a form of its own. */
function placeOf(body: string): string | undefined {
  const { at, errors } = JSON.parse(body);
  return errors === undefined ? at : errors[0].detail.at;
}

/** Whether the door refused, rather than what is behind it. */
async function refusalOf(call: Promise<void>, route: string): Promise<boolean> {
  try {
    await call;
    return false;
  } catch (thrown) {
    const { code, at } = SelvedgeError.from(thrown);
    return at === route && (code === "unauthenticated" || code === "permission_denied");
  }
}

/** What a stream ends with. */
async function endOf(stream: AsyncIterable<unknown>): Promise<SelvedgeError> {
  try {
    for await (const _ of stream);
  } catch (thrown) {
    return SelvedgeError.from(thrown);
  }
  return assert.fail("it ended well");
}

async function auditOf(running: RunningCoordinator) {
  const { lines, headSequence, headHash } = await running.admin.listAudit({});
  const verifier = new AuditVerifier({ sequence: Number(headSequence), hash: headHash });
  const records = lines.map((line) => verifier.take(line));
  verifier.end();
  return records;
}
