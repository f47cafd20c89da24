import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { BirthSchema, createStamper } from "@selvedge/protocol";
import type { Link } from "@selvedge/transport";
import { createGrpcDialer, type HttpRoute } from "@selvedge/transport-grpc";
import { ConnectedFleet } from "./connected-fleet.fixture.ts";
import type { Principal } from "./principal.ts";
import { type DeviceTls, ResumableConnection } from "./resumable-connection.fixture.ts";

const weekMs = 7 * 86_400_000;

suite("a connection outlives what it was made with", () => {
  let fleet: ConnectedFleet;
  let path = "";
  const download = Promise.withResolvers<void>();
  const upload = { begun: Promise.withResolvers<void>(), cut: Promise.withResolvers<void>() };
  before(async () => {
    fleet = await ConnectedFleet.start({
      httpRoutes: [
        endlessDownload(download.resolve),
        endlessUpload(upload.begun.resolve, upload.cut.resolve),
      ],
    });
    path = `/v1/blobs/${(await fleet.putBlob()).digest}`;
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  test("[EN12] a resumed TLS 1.3 session is refused once its certificate has expired", async () => {
    fleet.aheadMs = 0;
    const { tls } = await fleet.enrol();
    const first = new ResumableConnection(fleet.url, tls);
    assert.equal(await first.get(path), 200);
    assert.equal(first.socket.isSessionReused(), false);
    const resumed = new ResumableConnection(fleet.url, tls, first.ticket);
    assert.equal(await resumed.get(path), 200, "it is let in without showing its certificate again");
    assert.deepEqual([resumed.socket.isSessionReused(), resumed.socket.getProtocol()], [true, "TLSv1.3"]);

    fleet.aheadMs = weekMs + 60_000;
    // On both connections, and on one that resumes only now.
    const late = new ResumableConnection(fleet.url, tls, first.ticket);
    for (const connection of [first, resumed, late]) assert.equal(await connection.get(path), 401);
    assert.equal(late.socket.isSessionReused(), true);
    assert.equal(fleet.calls.at(-1)?.certificate?.verifiedAtHandshake, true, "TLS alone would let it in");
    assert.equal(await late.get("/healthz"), 404, "the connection itself stands");
    for (const connection of [first, resumed, late]) connection.close();
  });

  test("[EN12] a certificate that runs out in real time takes its resumed sessions with it", async () => {
    fleet.aheadMs = 0;
    const { first, tls, expiresAtMs } = await connectShortLived(fleet, path);
    await sleep(Math.max(0, expiresAtMs + 1 - Date.now()));
    const resumed = new ResumableConnection(fleet.url, tls, first.ticket);
    for (const connection of [first, resumed]) assert.equal(await connection.get(path), 401);
    assert.equal(resumed.socket.isSessionReused(), true);
    assert.equal(fleet.calls.at(-1)?.certificate?.verifiedAtHandshake, true, "TLS alone would let it in");
    for (const connection of [first, resumed]) connection.close();
  });

  test("[EN32] a revoked device's open connections and resumed sessions are refused every call", async () => {
    fleet.aheadMs = 0;
    const { id, tls } = await fleet.enrol();
    const first = new ResumableConnection(fleet.url, tls);
    assert.equal(await first.get(path), 200);
    await fleet.admission.revoke(id, "stolen");
    const resumed = new ResumableConnection(fleet.url, tls, first.ticket);
    const anew = new ResumableConnection(fleet.url, tls);
    for (const connection of [first, resumed, anew]) assert.equal(await connection.get(path), 403);
    assert.equal(resumed.socket.isSessionReused(), true);
    for (const connection of [first, resumed, anew]) connection.close();
  });

  test("[EN32] when a revocation is answered, the session and the transfers of the device are cut", async () => {
    fleet.aheadMs = 0;
    const { id, tls } = await fleet.enrol();
    const bystander = await fleet.enrol();
    const link = await openSession(fleet, id, tls);
    const other = await openSession(fleet, bystander.id, bystander.tls);
    const ended = Promise.all([closed(link), download.promise, upload.cut.promise]);
    const transfers = new ResumableConnection(fleet.url, tls);
    assert.equal(await transfers.get("/v1/releases/endless"), 200);
    transfers.put("/endless", Buffer.from("begun"));
    await upload.begun.promise;
    assert.equal(fleet.hub.online().has(id), true);

    await fleet.admission.revoke(id, "stolen");
    assert.equal(fleet.hub.online().has(id), false);
    const [reason] = await ended;
    assert.match(reason, /revoked/);
    await assert.rejects(openSession(fleet, id, tls), { code: "permission_denied", message: /revoked/ });
    assert.equal(fleet.hub.online().has(bystander.id), true, "nobody else notices");
    other.close("done");
    transfers.close();
  });

  test("[EN33] two live sessions with different databases put both out", async () => {
    fleet.aheadMs = 0;
    const { id, tls } = await fleet.enrol();
    const first = await openSession(fleet, id, tls, "one");
    const firstEnds = closed(first);
    const second = await createGrpcDialer({ url: fleet.url, tls }).dial(new AbortController().signal);
    const secondEnds = closed(second);
    sayBirth(second, id, "two");
    await firstEnds;
    assert.match(await secondEnds, /quarantined|in use twice/);
    assert.equal(fleet.devices.standingOf(id), "quarantined");
    await assert.rejects(openSession(fleet, id, tls), { code: "permission_denied", fix: /device approve/ });
    await fleet.admission.approve(id);
    (await openSession(fleet, id, tls)).close("done");
  });
});

test("[SE8] an open stream ends once its certificate has expired", async () => {
  await using fleet = await ConnectedFleet.start({ recheckEveryMs: 20 });
  const { id, tls } = await fleet.enrol();
  const link = await openSession(fleet, id, tls);
  fleet.aheadMs = weekMs + 60_000;
  assert.match(await closed(link), /expired/);
});

test("[EN32] a device that is revoked just while it is let in is cut off all the same", async () => {
  await using fleet = await ConnectedFleet.start();
  const { id, tls } = await fleet.enrol();
  // The denylist changes after the door has looked at it, and before anything lasts that a recheck could find.
  const dialled = createGrpcDialer({ url: fleet.url, tls }).dial(new AbortController().signal);
  const { length } = fleet.calls;
  while (fleet.calls.length === length) await new Promise((resolve) => setImmediate(resolve));
  await fleet.admission.revoke(id, "stolen");
  const reason = await dialled.then(closed, (thrown: unknown) => String(thrown));
  assert.match(reason, /revoked/);
});

/** Answers with a head and then with as much as the caller takes. */
function endlessDownload(onCut: () => void): HttpRoute<Principal> {
  return {
    route: "releases.read",
    methods: ["GET"],
    path: "/v1/releases/",
    bodyBytesMax: 0,
    async handle({ signal }) {
      signal.addEventListener("abort", onCut);
      return { status: 200, headers: {}, body: endless() };
    },
  };
}

/** Takes a body that never ends. */
function endlessUpload(onBegun: () => void, onCut: () => void): HttpRoute<Principal> {
  return {
    route: "blobs.write",
    methods: ["PUT"],
    path: "/endless",
    bodyBytesMax: 1_000,
    async handle({ body }) {
      try {
        for await (const _ of body) onBegun();
      } finally {
        onCut();
      }
      return { status: 200, headers: {} };
    },
  };
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(65_536);
}

/** Dials, introduces itself, and is welcomed. */
async function openSession(fleet: ConnectedFleet, id: string, tls: DeviceTls, epoch = "one"): Promise<Link> {
  const link = await createGrpcDialer({ url: fleet.url, tls }).dial(new AbortController().signal);
  const welcomed = new Promise<void>((resolve) => link.onEnvelope(() => resolve()));
  sayBirth(link, id, epoch);
  await welcomed;
  return link;
}

function sayBirth(link: Link, id: string, epoch: string): void {
  const value = create(BirthSchema, { session: "s1" });
  link.send(createStamper(id, epoch)("coordinator", { case: "birth", value }));
}

function closed(link: Link): Promise<string> {
  return new Promise((resolve) => link.onClose(resolve));
}

/** A connection that was made while its certificate held, for as short as this machine can. */
async function connectShortLived(
  fleet: ConnectedFleet,
  path: string,
): Promise<{ first: ResumableConnection; tls: DeviceTls; expiresAtMs: number }> {
  for (let lifetimeMs = 2_000; ; lifetimeMs *= 2) {
    const { tls, expiresAtMs } = await fleet.enrol(lifetimeMs);
    const first = new ResumableConnection(fleet.url, tls);
    if ((await first.get(path)) === 200) return { first, tls, expiresAtMs };
    first.close();
  }
}
