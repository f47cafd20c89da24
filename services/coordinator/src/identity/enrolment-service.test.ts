import assert from "node:assert/strict";
import { createPublicKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import type { EnrolRequest, EnrolResponse } from "@selvedge/protocol";
import { keyDigestOf } from "./certificate-request.ts";
import type { StandingState } from "./device-record.ts";
import {
  type Attempt,
  enrolRequest,
  exporter,
  type FixtureFleet,
  newDeviceKey,
  openFixtureFleet,
  requestCertificate,
} from "./fleet.fixture.ts";
import { listTokenReuse } from "./security-events.ts";

async function enrol(attempt: Attempt, change: Partial<EnrolRequest> = {}): Promise<EnrolResponse> {
  const request = await enrolRequest(attempt);
  return attempt.fleet.service.enrol({ ...request, ...change }, { exporter });
}

async function setStanding(
  { devices, nowMs }: FixtureFleet,
  id: string,
  state: StandingState,
): Promise<void> {
  await devices.replace(id, (device) => ({ ...device, standing: { state, reason: "", sinceMs: nowMs } }));
}

async function recordsOf({ store }: FixtureFleet): Promise<string> {
  return JSON.stringify(await store.list(""));
}

test("[EN9] the certificate says what the coordinator decided, whatever the request asked for", async () => {
  const fleet = await openFixtureFleet();
  const privateKey = newDeviceKey();
  const reply = await enrol({ fleet, token: await fleet.createToken(), privateKey });
  const leaf = new X509Certificate(reply.chain[0] ?? new Uint8Array());
  assert.equal(leaf.subjectAltName, `URI:spiffe://fleet.example/device/${reply.deviceId}`);
  assert.equal(leaf.subject, "CN=selvedge device");
  assert.equal(leaf.ca, false);
  assert.ok(leaf.publicKey.equals(createPublicKey(privateKey)));
  assert.equal(reply.chain.length, 2);
  assert.deepEqual(reply.trustBundle, [new Uint8Array(fleet.authority.root.raw)]);
  const device = await fleet.devices.read(reply.deviceId);
  assert.equal(device?.name, "kitchen");
  assert.equal(device?.enrolledAtMs, fleet.nowMs);
  assert.equal(device?.certificateSerial, leaf.serialNumber);
  assert.equal(device?.certificateExpiresAtMs, leaf.validToDate.getTime());
});

test("[EN7] a device whose reply was lost asks again and is the same device", async () => {
  const fleet = await openFixtureFleet();
  const attempt = { fleet, token: await fleet.createToken(), privateKey: newDeviceKey() };
  const lost = await enrol(attempt);
  fleet.nowMs += 3_599_000;
  const again = await enrol(attempt);
  assert.equal(again.deviceId, lost.deviceId);
  assert.equal((await fleet.devices.list()).length, 1);
  assert.equal(
    (await fleet.devices.read(again.deviceId))?.certificateExpiresAtMs,
    fleet.nowMs + 7 * 86_400_000,
  );
  assert.deepEqual(fleet.warnings, []);
});

test("[EN7] the same request at the same time twice makes one device", async () => {
  const fleet = await openFixtureFleet();
  const attempt = { fleet, token: await fleet.createToken(), privateKey: newDeviceKey() };
  const replies = await Promise.all([enrol(attempt), enrol(attempt), enrol(attempt)]);
  assert.equal(new Set(replies.map((reply) => reply.deviceId)).size, 1);
});

test("[EN8] another key on a used token is refused, and leaves a security event", async () => {
  const fleet = await openFixtureFleet();
  const token = await fleet.createToken();
  const first = await enrol({ fleet, token, privateKey: newDeviceKey() });
  const stolen = { fleet, token, privateKey: newDeviceKey() };
  const refused = { code: "permission_denied", message: /already used by another device/ };
  await assert.rejects(enrol(stolen), refused);
  fleet.nowMs += 1000;
  await assert.rejects(enrol(stolen), refused);
  assert.deepEqual(
    (await fleet.devices.list()).map((device) => device.id),
    [first.deviceId],
  );
  const [event, ...rest] = await listTokenReuse(fleet.store);
  assert.deepEqual(rest, []);
  assert.equal(event?.count, 2);
  assert.equal(event?.lastAtMs, (event?.firstAtMs ?? 0) + 1000);
  assert.equal(event?.keyDigest, keyDigestOf(createPublicKey(stolen.privateKey)));
  assert.equal(fleet.warnings.length, 2);
});

test("[EN8] of many keys at once, one token enrols exactly as many as it has uses", async () => {
  const fleet = await openFixtureFleet();
  const token = await fleet.createToken(30);
  const keys = Array.from({ length: 40 }, () => newDeviceKey());
  const outcomes = await Promise.allSettled(keys.map((privateKey) => enrol({ fleet, token, privateKey })));
  assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 30);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assert.equal(outcome.reason.code, "permission_denied");
  }
  assert.equal((await fleet.devices.list()).length, 30);
  assert.equal((await listTokenReuse(fleet.store))[0]?.count, 10);
});

test("[EN7] a known key that comes with a new token keeps its id", async () => {
  const fleet = await openFixtureFleet();
  const privateKey = newDeviceKey();
  const first = await enrol({ fleet, token: await fleet.createToken(), privateKey });
  const second = await enrol({ fleet, token: await fleet.createToken(), privateKey });
  assert.equal(second.deviceId, first.deviceId);
});

test("[EN12] a revoked device is not let in again", async () => {
  const fleet = await openFixtureFleet();
  const attempt = { fleet, token: await fleet.createToken(), privateKey: newDeviceKey() };
  const { deviceId } = await enrol(attempt);
  await setStanding(fleet, deviceId, "revoked");
  const refused = { code: "permission_denied", message: /revoked/ };
  await assert.rejects(enrol(attempt), refused);
  await assert.rejects(enrol({ ...attempt, token: await fleet.createToken() }), refused);
});

test("[EN6] a stranger cannot tell an unknown token from a wrong secret", async () => {
  const fleet = await openFixtureFleet();
  const token = await fleet.createToken();
  const [version, pin, id, secret = ""] = token.split(".");
  const attempt = { fleet, token, privateKey: newDeviceKey() };
  const wrongSecret = [version, pin, id, Buffer.alloc(32).toString("base64url")].join(".");
  const wrongId = [version, pin, "0000000000000000", secret].join(".");
  const told = async (change: Partial<Attempt>, fields: Partial<EnrolRequest> = {}) => {
    const error = await enrol({ ...attempt, ...change }, fields).catch((thrown: unknown) => thrown);
    return JSON.stringify({ ...(error as object), message: (error as Error).message });
  };
  const answers = [
    await told({ token: wrongSecret }),
    await told({ token: wrongId }),
    await told({}, { tokenId: "../../device" }),
    await told({}, { tokenId: "" }),
    await told({}, { mac: new Uint8Array() }),
    await told({}, { host: "elsewhere.example" }),
    await told({}, { channelBound: false }),
    await told({ exporter: new Uint8Array(32) }),
  ];
  assert.equal(new Set(answers).size, 1, answers.join("\n"));
  assert.match(answers[0] ?? "", /"unauthenticated".*not accepted/);
});

const refusals: readonly (readonly [
  rule: string,
  what: string,
  change: (fleet: FixtureFleet) => Promise<{ claimed?: Attempt["claimed"]; sent?: Partial<EnrolRequest> }>,
  error: { code: string },
])[] = [
  [
    "EN4",
    "a MAC made for another host",
    async () => ({ claimed: { host: "evil.example" }, sent: { host: "localhost" } }),
    { code: "unauthenticated" },
  ],
  [
    "EN4",
    "a host that is not ours",
    async () => ({ claimed: { host: "evil.example" } }),
    { code: "permission_denied" },
  ],
  [
    "EN4",
    "another request than the MAC covers",
    async () => ({ sent: { csr: await requestCertificate(newDeviceKey()) } }),
    { code: "unauthenticated" },
  ],
  [
    "EN5",
    "a nonce of its own",
    async () => ({ claimed: { nonce: new Uint8Array(32) } }),
    { code: "failed_precondition" },
  ],
  [
    "EN9",
    "a P-384 key",
    async () => ({ claimed: { csr: await requestCertificate(newDeviceKey("P-384")) } }),
    { code: "invalid_argument" },
  ],
  [
    "EN9",
    "a request that is garbage",
    async () => ({ claimed: { csr: Buffer.from("garbage") } }),
    { code: "invalid_argument" },
  ],
  ["EN6", "a name with a slash", async () => ({ sent: { name: "../x" } }), { code: "invalid_argument" }],
];

for (const [rule, what, change, error] of refusals) {
  test(`[${rule}] ${what} is refused, and nothing is recorded`, async () => {
    const fleet = await openFixtureFleet();
    const token = await fleet.createToken();
    const before = await recordsOf(fleet);
    const { claimed = {}, sent = {} } = await change(fleet);
    const attempt = { fleet, token, privateKey: newDeviceKey() };
    await assert.rejects(enrol({ ...attempt, claimed }, sent), error);
    assert.equal(await recordsOf(fleet), before);
    await enrol(attempt);
  });
}

test("[EN5] a nonce that enrolled a device enrols nobody again", async () => {
  const fleet = await openFixtureFleet();
  const attempt = { fleet, token: await fleet.createToken(2), privateKey: newDeviceKey() };
  const request = await enrolRequest(attempt);
  await fleet.service.enrol(request, { exporter });
  await assert.rejects(fleet.service.enrol(request, { exporter }), { code: "failed_precondition" });
});

test("[EN7] after its expiry a token is refused, with what to do, also for the key it let in", async () => {
  const fleet = await openFixtureFleet();
  const attempt = { fleet, token: await fleet.createToken(), privateKey: newDeviceKey() };
  await enrol(attempt);
  const before = await recordsOf(fleet);
  fleet.nowMs += 3_600_000;
  await assert.rejects(enrol(attempt), { code: "failed_precondition", fix: /selvedge token create/ });
  assert.equal(await recordsOf(fleet), before);
});

test("[EN4] a device without an exporter enrols unbound; one that claims an exporter we lack is refused", async () => {
  const fleet = await openFixtureFleet();
  const attempt = { fleet, token: await fleet.createToken(), privateKey: newDeviceKey() };
  const bound = await enrolRequest(attempt);
  await assert.rejects(fleet.service.enrol(bound, {}), { code: "failed_precondition", message: /exporter/ });
  const reply = await enrol({ ...attempt, exporter: new Uint8Array() }, { channelBound: false });
  assert.equal((await fleet.devices.list())[0]?.id, reply.deviceId);
});

test("[EN3] no record holds a token's secret", async () => {
  const fleet = await openFixtureFleet();
  const token = await fleet.createToken();
  await enrol({ fleet, token, privateKey: newDeviceKey() });
  const secret = token.split(".")[3] ?? "";
  const records = await recordsOf(fleet);
  assert.ok(secret.length === 43 && !records.includes(secret));
  assert.ok(!records.includes(Buffer.from(secret, "base64url").toString("hex")));
});

test("a join token's life and uses have limits", async () => {
  const { tokens } = await openFixtureFleet();
  for (const bad of [0, -1, 1.5, Number.NaN, 1e9]) {
    await assert.rejects(tokens.create({ ttlSeconds: bad, uses: 1 }), {
      code: "invalid_argument",
      at: "ttl",
    });
    await assert.rejects(tokens.create({ ttlSeconds: 60, uses: bad }), {
      code: "invalid_argument",
      at: "uses",
    });
  }
});

test("[EN30] a token gives its group and tags to the devices that enrol with it", async () => {
  const fleet = await openFixtureFleet();
  const grant = { ttlSeconds: 60, uses: 1, group: "north", tags: ["b", "a", "b"] };
  const { id, text: token } = await fleet.tokens.create(grant);
  const privateKey = newDeviceKey();
  const { deviceId, pending } = await enrol({ fleet, token, privateKey });
  const device = await fleet.devices.read(deviceId);
  assert.deepEqual([device?.group, device?.tags, device?.tokenId], ["north", ["a", "b"], id]);
  assert.deepEqual([device?.standing.state, pending], ["active", false]);
  // Another token does not move a device that is known.
  await enrol({ fleet, token: await fleet.createToken(), privateKey });
  assert.equal((await fleet.devices.read(deviceId))?.group, "north");
  const listed = await fleet.tokens.list();
  assert.deepEqual(listed.map(({ group, used }) => [group, used]).sort(), [
    ["", 1],
    ["north", 1],
  ]);
  for (const bad of [{ group: "a b" }, { tags: ["/"] }, { tags: [""] }]) {
    await assert.rejects(fleet.tokens.create({ ...grant, ...bad }), { code: "invalid_argument" });
  }
});

test("[EN30] a revoked token lets nobody in any more, not even the key it let in", async () => {
  const fleet = await openFixtureFleet();
  const { id, text: token } = await fleet.tokens.create({ ttlSeconds: 60, uses: 5 });
  const attempt = { fleet, token, privateKey: newDeviceKey() };
  const { deviceId } = await enrol(attempt);
  fleet.nowMs += 5;
  const { revokedAtMs } = await fleet.tokens.revoke(id);
  fleet.nowMs += 5;
  assert.equal((await fleet.tokens.revoke(id)).revokedAtMs, revokedAtMs);
  const refused = { code: "failed_precondition", message: /revoked/, fix: /selvedge token create/ };
  await assert.rejects(enrol(attempt), refused);
  await assert.rejects(enrol({ ...attempt, privateKey: newDeviceKey() }), refused);
  assert.equal(fleet.devices.standingOf(deviceId), "active", "the devices it let in stay");
  for (const unknown of ["0123456789abcdef", "../device", ""]) {
    await assert.rejects(fleet.tokens.revoke(unknown), { code: "not_found" });
  }
});

test("[EN31] a token that asks for approval makes devices that wait", async () => {
  const fleet = await openFixtureFleet();
  const { text: token } = await fleet.tokens.create({ ttlSeconds: 60, uses: 2, approve: true });
  const attempt = { fleet, token, privateKey: newDeviceKey() };
  const { deviceId, pending, chain } = await enrol(attempt);
  assert.deepEqual([pending, chain.length, fleet.devices.standingOf(deviceId)], [true, 2, "pending"]);
  assert.equal((await enrol({ ...attempt, token: await fleet.createToken() })).pending, true);
  await setStanding(fleet, deviceId, "active");
  assert.equal((await enrol(attempt)).pending, false, "approved is approved");
  await setStanding(fleet, deviceId, "quarantined");
  await assert.rejects(enrol(attempt), { code: "permission_denied", fix: /device approve/ });
});

test("[EN30] a token that is revoked while an enrolment is under way lets it in no more", async (t) => {
  const fleet = await openFixtureFleet();
  const attempt = { fleet, token: await fleet.createToken(), privateKey: newDeviceKey() };
  const read = fleet.tokens.read.bind(fleet.tokens);
  let isRevoked = false;
  t.mock.method(fleet.tokens, "read", async (id: string) => {
    const stored = await read(id);
    if (!isRevoked) await fleet.tokens.revoke(id);
    isRevoked = true;
    return stored;
  });
  await assert.rejects(enrol(attempt), { code: "failed_precondition", message: /was revoked/ });
  assert.deepEqual(await fleet.devices.list(), []);
});
