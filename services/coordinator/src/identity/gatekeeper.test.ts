import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { test } from "node:test";
import type { AuditEntry } from "@selvedge/protocol";
import { createCallLimits } from "./call-limits.ts";
import { enrolRequest, exporter, newDeviceKey, openFixtureFleet } from "./fleet.fixture.ts";
import { createGatekeeper, type GuardedCall } from "./gatekeeper.ts";
import { OperatorTokens } from "./operator-tokens.ts";

const deviceId = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

async function openDoor() {
  const fleet = await openFixtureFleet();
  const { authority, devices, store } = fleet;
  const now = () => fleet.nowMs;
  const operatorTokens = await OperatorTokens.open({ store, rootPin: () => authority.rootPin, now });
  const refusals: AuditEntry[] = [];
  const gatekeeper = createGatekeeper({
    authority,
    devices,
    operatorTokens,
    limits: createCallLimits(now),
    onRefusal: (entry) => refusals.push(entry),
    now,
  });
  const { text } = await operatorTokens.create({ name: "ada", role: "admin", lifetimeMs: 86_400_000 });
  const ask = (headers: GuardedCall["headers"], route = "selvedge.v1.OperatorService/ListJobs") =>
    gatekeeper({
      route,
      remoteAddress: "192.0.2.7",
      certificate: undefined,
      headers: { authorization: `Bearer ${text}`, host: "localhost", ...headers },
    });
  return { fleet, gatekeeper, ask, operatorTokens, refusals, text };
}

test("[EN14] an operator's call comes from our own pages or from none", async () => {
  const { ask } = await openDoor();
  const host = "fleet.example:7443";
  assert.equal(ask({ host }).kind, "operator");
  assert.equal(ask({ ":authority": host }).kind, "operator");
  assert.equal(ask({ host, origin: "https://fleet.example:7443" }).kind, "operator");
  assert.equal(ask({ host: "127.0.0.1" }).kind, "operator");
  for (const origin of [
    "https://evil.example",
    "https://fleet.example",
    "http://fleet.example:7443",
    "https://fleet.example:7443.evil.example",
    "https://fleet.example:7443/x",
    "null",
    "",
  ]) {
    assert.throws(() => ask({ host, origin }), { code: "permission_denied", at: "Origin header" }, origin);
  }
});

test("[EN14] an operator's call names this coordinator as its host", async () => {
  const { ask } = await openDoor();
  for (const host of [
    "evil.example:7443",
    "fleet.example.evil.example",
    "",
    "x@fleet.example",
    "fleet.example/x",
  ]) {
    assert.throws(() => ask({ host }), { code: "permission_denied", at: "Host header" }, host);
    assert.throws(() => ask({ host, origin: `https://${host}` }), { code: "permission_denied" });
  }
  assert.throws(() => ask({ host: undefined }), { code: "permission_denied", at: "Host header" });
});

test("[EN12] a connection that was let in is refused once its device is revoked or has expired", async () => {
  const { fleet, gatekeeper } = await openDoor();
  const token = await fleet.createToken();
  const request = await enrolRequest({ fleet, token, privateKey: newDeviceKey() });
  const { chain, deviceId } = await fleet.service.enrol(request, { exporter });
  const route = "selvedge.v1.SessionService/Connect";
  const call = {
    route,
    remoteAddress: "192.0.2.7",
    certificate: { chain, verifiedAtHandshake: true },
    headers: {},
  };
  assert.deepEqual(gatekeeper(call), { kind: "device", deviceId });
  assert.throws(() => gatekeeper({ ...call, route: "selvedge.v1.OperatorService/ListJobs" }), {
    code: "permission_denied",
  });
  fleet.nowMs += 8 * 86_400_000;
  assert.throws(() => gatekeeper(call), { code: "unauthenticated", message: /expired/ });
  assert.equal(gatekeeper({ ...call, route: "selvedge.v1.EnrolmentService/Enrol" }).kind, "expired-device");
});

test("[EN12] [AU5] a device whose record a restore lost is told to join again, wherever it knocks, and told of", async () => {
  const { fleet, gatekeeper, refusals } = await openDoor();
  const publicKey = createPublicKey(newDeviceKey());
  const { chain } = await fleet.authority.issueDeviceCertificate(publicKey, deviceId, fleet.nowMs);
  const certificate = { chain, verifiedAtHandshake: true };
  const call = { remoteAddress: "192.0.2.7", certificate, headers: {} };
  const routes = ["selvedge.v1.SessionService/Connect", "blobs.read", "blobs.write", "releases.read"];
  for (const route of routes) {
    assert.throws(() => gatekeeper({ ...call, route }), {
      code: "unauthenticated",
      at: route,
      fix: /join again/,
    });
  }
  assert.deepEqual(
    refusals.map(({ actor, action, subject }) => [actor, action, subject]),
    routes.map((route) => [`device:${deviceId}`, "refused-device", route]),
  );
  assert.equal(gatekeeper({ ...call, route: "selvedge.v1.EnrolmentService/Enrol" }).kind, "unknown-device");
});

test("[AU5] a wrong token and an operator's step too far are told of, a stranger's knock is not", async () => {
  const { ask, operatorTokens, refusals, text } = await openDoor();
  const knock = { code: "unauthenticated" };
  assert.throws(() => ask({ authorization: undefined }), knock);
  assert.equal(refusals.length, 0);
  assert.throws(() => ask({ authorization: "Bearer svo1.wrong" }), knock);
  assert.throws(() => ask({ origin: "https://evil.example" }), { code: "permission_denied" });
  await operatorTokens.create({ name: "bob", role: "admin", lifetimeMs: null });
  await operatorTokens.revoke("ada");
  assert.throws(() => ask({ authorization: `Bearer ${text}` }), { ...knock, message: /"ada" is revoked/ });
  assert.deepEqual(
    refusals.map(({ actor, action, detail }) => [actor, action, detail.code]),
    [
      ["address:192.0.2.7", "refused-login", "unauthenticated"],
      ["operator:ada", "refused-operator", "permission_denied"],
      ["address:192.0.2.7", "refused-login", "unauthenticated"],
    ],
  );
  assert.ok(!JSON.stringify(refusals).includes(text), "no token is recorded");
});
