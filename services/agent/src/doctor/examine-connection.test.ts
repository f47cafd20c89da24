import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import { createTestAuthority, type TestAuthority } from "@selvedge/testkit";
import { type CoordinatorAddress, parseCoordinatorUrl } from "../identity/coordinator-address.ts";
import { examineConnection } from "./examine-connection.ts";
import { examineRoute } from "./examine-route.ts";
import type { Finding } from "./finding.ts";

const dayMs = 86_400_000;
const authority: TestAuthority = await createTestAuthority();
const identity = await authority
  .issueClient("spiffe://fleet.example/device/d1")
  .then(({ cert, key }) => ({ chain: cert, key }));

async function listening(t: TestContext, server: Server): Promise<CoordinatorAddress> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return parseCoordinatorUrl(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

async function coordinator(
  t: TestContext,
  options: ServerOptions,
  answer: RequestListener = (_request, response) => response.end("{}"),
): Promise<CoordinatorAddress> {
  const tls = { minVersion: "TLSv1.3", requestCert: true, rejectUnauthorized: false } as const;
  return listening(t, createHttpsServer({ ...tls, ...options }, answer));
}

async function collected(findings: AsyncIterable<Finding>): Promise<Finding[]> {
  const all: Finding[] = [];
  for await (const finding of findings) all.push(finding);
  return all;
}

function examine(address: CoordinatorAddress, now: () => number = Date.now): Promise<readonly Finding[]> {
  return examineConnection({ address, trust: authority.ca, identity, now });
}

function assertFailed(findings: readonly Finding[], check: string, message: RegExp, fix: RegExp): void {
  const last = findings.at(-1);
  assert.deepEqual([last?.check, last?.status], [check, "failed"], JSON.stringify(findings));
  assert.match(last?.message ?? "", message);
  assert.match(last?.fix ?? "", fix);
}

test("[OP1] a way that is open is found open, and a proxy that is set is named", async (t) => {
  const address = await listening(t, createServer());
  assert.deepEqual(
    (await collected(examineRoute(address, {}))).map(({ check, status }) => [check, status]),
    [["port", "ok"]],
  );
  const [proxy] = await collected(examineRoute(address, { HTTPS_PROXY: "http://proxy.example:3128" }));
  assert.deepEqual([proxy?.check, proxy?.status], ["proxy", "warning"]);
  const named = await collected(examineRoute({ ...address, host: "localhost" }, {}));
  assert.deepEqual([named[0]?.check, named[0]?.status], ["name", "ok"]);
});

test("[OP1] a name without an address, and a port where nobody listens, are told apart", async (t) => {
  const address = await listening(t, createServer());
  const nameless = await collected(examineRoute({ ...address, host: "no-such-host.invalid" }, {}));
  assertFailed(nameless, "name", /no-such-host\.invalid/, /name/);
  const free = createServer();
  const closed = await listening(t, free);
  await new Promise((resolve) => free.close(resolve));
  assertFailed(await collected(examineRoute(closed, {})), "port", /ECONNREFUSED/, /runs/);
});

test("[OP1] a sound connection is found sound, with both clocks", async (t) => {
  const findings = await examine(await coordinator(t, await authority.issueServer()));
  assert.deepEqual(
    findings.map(({ check, status }) => [check, status]),
    [
      ["certificate", "ok"],
      ["clock", "ok"],
      ["membership", "ok"],
    ],
  );
});

test("[OP1] a clock that is off is named, with the difference", async (t) => {
  const address = await coordinator(t, await authority.issueServer());
  const clock = (await examine(address, () => Date.now() - dayMs)).find(({ check }) => check === "clock");
  assert.equal(clock?.status, "warning");
  assert.match(clock?.message ?? "", /86[34]\d\d s behind/);
});

test("[OP1] a certificate of another root, another name or another time is told apart", async (t) => {
  const stranger = await (await createTestAuthority("stranger")).issueServer();
  assertFailed(
    await examine(await coordinator(t, stranger)),
    "pin",
    /not under the root/,
    /somebody is in between/,
  );
  const misnamed = await authority.issueServer({ name: "other.example" });
  assertFailed(
    await examine(await coordinator(t, misnamed)),
    "certificate",
    /not made out to 127\.0\.0\.1/,
    /--name/,
  );
  const expired = await authority.issueServer({ notAfter: new Date(Date.now() - 1_000) });
  assertFailed(await examine(await coordinator(t, expired)), "clock", /has expired/, /check the clock/);
  const early = await authority.issueServer({ notAfter: new Date(Date.now() + 3 * dayMs) });
  assertFailed(await examine(await coordinator(t, early)), "clock", /begins in the future/, /set the clock/);
});

test("[OP1] plain HTTP, an older TLS and a cut handshake are not taken for a coordinator", async (t) => {
  const plain = await listening(
    t,
    createHttpServer((_request, response) => response.end("sign in")),
  );
  assertFailed(await examine(plain), "tls", /TLS 1\.3/, /guest network/);
  const older = await coordinator(t, {
    ...(await authority.issueServer()),
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.2",
  });
  assertFailed(await examine(older), "tls", /TLS 1\.3/, /proxy/);
  const cut = await listening(
    t,
    createServer((socket) => socket.once("data", () => socket.resetAndDestroy())),
  );
  assertFailed(await examine(cut), "tls", /cut/, /firewall/);
});

test("[OP1] what the coordinator says against the device is passed on", async (t) => {
  const refusal = { code: "permission_denied", message: "the device is revoked", fix: "ask the operator" };
  const address = await coordinator(t, await authority.issueServer(), (_request, response) => {
    response.writeHead(403).end(JSON.stringify(refusal));
  });
  assertFailed(await examine(address), "membership", /the device is revoked/, /ask the operator/);
});
