import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { after, before, suite, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { EnrolmentService, limits, SelvedgeError, SessionService } from "@selvedge/protocol";
import type { Link } from "@selvedge/transport";
import { createGatewayClient, createGrpcDialer, type GrpcDialerOptions } from "@selvedge/transport-grpc";
import { createTestAuthority } from "../fixtures/certificates.ts";
import { httpsRequest } from "../fixtures/https-request.ts";
import { startTestGateway, type TestGateway } from "../fixtures/test-gateway.ts";
import { collect, envelope, whenClosed, withCode } from "./link-contract.ts";

const denied = new SelvedgeError("permission_denied", "device-1 was revoked", {
  at: "device list",
  fix: "join again",
});

suite("a gateway and its callers", () => {
  let fixture: TestGateway;
  /** Bodies the plain route's handler was given. */
  const bodies: number[] = [];

  before(async () => {
    fixture = await startTestGateway({
      httpRoutes: [
        {
          route: "echo",
          methods: ["PUT"],
          path: "/echo",
          bodyBytesMax: 1_000,
          async handle({ body }) {
            let bytes = 0;
            for await (const chunk of body) bytes += chunk.byteLength;
            bodies.push(bytes);
            return {
              status: 200,
              headers: { "content-type": "text/plain" },
              body: Buffer.from(String(bytes)),
            };
          },
        },
      ],
    });
  });
  after(() => fixture.gateway.close());

  const dial = (options: Partial<GrpcDialerOptions> = {}): Promise<Link> =>
    createGrpcDialer({ ...fixture, ...options }).dial(never());

  test("[SE5] a dial resolves only once the coordinator has the link", async () => {
    const accepted = fixture.nextLink();
    const device = await dial();
    device.send(envelope(1));
    assert.deepEqual(await collect(await accepted, 1), [envelope(1)]);
    device.close("done");
  });

  test("[SE6] a client that offers TLS 1.2 only is refused", async () => {
    const socket = connectTls({
      host: "127.0.0.1",
      port: fixture.gateway.port,
      ca: [fixture.tls.ca].flat(),
      maxVersion: "TLSv1.2",
    });
    const [error] = await once(socket, "error").catch((thrown: unknown) => [thrown]);
    assert.match(String(error), /protocol version|alert/i);
  });

  test("[SE7] without a certificate a dial is refused, with place and fix", async () => {
    await assert.rejects(dial({ tls: fixture.strangerTls }), (thrown) => {
      withCode("unauthenticated")(thrown);
      assert.ok(thrown instanceof SelvedgeError);
      assert.equal(thrown.at, "selvedge.v1.SessionService/Connect");
      assert.equal(thrown.fix, "join the fleet first");
      return true;
    });
  });

  test("[SE7] a certificate of another root does not count", async () => {
    const foreign = await (await createTestAuthority("other root")).issueClient(
      "spiffe://test/device/device-1",
    );
    await assert.rejects(dial({ tls: { ca: fixture.tls.ca, ...foreign } }), withCode("unauthenticated"));
  });

  test("[SE7] an expired certificate reaches authorise, with its problem", async () => {
    const expired = await fixture.authority.issueClient("spiffe://test/device/device-1", {
      notAfter: new Date(Date.now() - 3_600_000),
    });
    await assert.rejects(dial({ tls: { ca: fixture.tls.ca, ...expired } }), /CERT_HAS_EXPIRED/);
  });

  test("[SE7] every route there is asks who is calling, before it reads a body", async () => {
    const asked = fixture.calls.length;
    const refused = await httpsRequest(`${fixture.url}/echo`, {
      tls: fixture.strangerTls,
      method: "PUT",
      body: Buffer.alloc(10),
    });
    assert.equal(refused.status, 401);
    assert.equal(JSON.parse(refused.body.toString()).code, "unauthenticated");
    assert.deepEqual(bodies, []);
    assert.equal(fixture.calls.length, asked + 1);
    assert.equal(fixture.calls.at(-1)?.route, "echo");
    assert.deepEqual(fixture.gateway.routes, ["selvedge.v1.SessionService/Connect", "echo"]);
  });

  test("[SE7] what is no route is 404, and another method 405", async () => {
    const asked = fixture.calls.length;
    for (const path of [
      "/",
      "/echo/",
      "/v1",
      "/selvedge.v1.SessionService/Other",
      "/selvedge.v1.OperatorService/GetStatus",
    ]) {
      const answer = await httpsRequest(fixture.url + path, { tls: fixture.tls, method: "POST" });
      assert.equal(answer.status, 404, path);
    }
    const wrongMethod = await httpsRequest(`${fixture.url}/echo`, { tls: fixture.tls });
    assert.deepEqual([wrongMethod.status, wrongMethod.headers.allow], [405, "PUT"]);
    assert.equal(fixture.calls.length, asked);
    const operator = createClient(EnrolmentService, createGatewayClient(fixture).transport);
    await assert.rejects(operator.challenge({}), withCode("unsupported"));
  });

  test("a body above its route's limit is 413, declared or not", async () => {
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      const answer = await httpsRequest(`${fixture.url}/echo`, {
        tls: fixture.tls,
        method: "PUT",
        headers,
        body: Buffer.alloc(1_001),
      });
      assert.equal(answer.status, 413);
    }
    const fits = { tls: fixture.tls, method: "PUT", body: Buffer.alloc(1_000) };
    assert.equal((await httpsRequest(`${fixture.url}/echo`, fits)).body.toString(), "1000");
  });

  test("[SE2] an envelope above the limit is cut off on the wire", async () => {
    const accepted = fixture.nextLink();
    const client = createGatewayClient(fixture);
    const stream = await client.transport.stream(
      SessionService.method.connect,
      undefined,
      undefined,
      undefined,
      (async function* send() {
        yield { envelope: Buffer.alloc(limits.envelopeBytesMax + 100) };
      })(),
    );
    const coordinator = await accepted;
    coordinator.onEnvelope(() => assert.fail("delivered"));
    await whenClosed(coordinator);
    await assert.rejects(drain(stream.message), withCode("resource_exhausted"));
    client.close();
  });

  test("[SE3] a frame that is no gRPC message closes the link, and harms no other", async () => {
    const accepted = fixture.nextLink();
    const session = connectHttp2(fixture.url, { ...fixture.tls, ca: [fixture.tls.ca].flat() });
    const stream = session.request({
      ":method": "POST",
      ":path": "/selvedge.v1.SessionService/Connect",
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    stream.end(Buffer.from("not a frame at all"));
    stream.resume();
    const closed = whenClosed(await accepted);
    const [trailers] = await once(stream, "trailers");
    assert.notEqual(trailers["grpc-status"], "0");
    await closed;
    session.close();
    (await dial()).close("still served");
  });

  test("[SE8] a recheck that fails ends the link with the refusal", async () => {
    const accepted = fixture.nextLink();
    const device = await dial();
    const ends = Promise.all([whenClosed(device), whenClosed(await accepted)]);
    await fixture.gateway.recheck();
    fixture.refuse(denied);
    await fixture.gateway.recheck();
    assert.match((await ends)[0], /device-1 was revoked/);
    await assert.rejects(dial(), withCode("permission_denied"));
    fixture.refuse(undefined);
    (await dial()).close("admitted again");
  });

  test("both sides derive the same keying material from the connection", async () => {
    const client = createGatewayClient(fixture);
    const ours = await client.exporter();
    const stream = createClient(SessionService, client.transport).connect(nothing());
    for await (const opened of stream) {
      assert.equal(opened.envelope.byteLength, 0);
      assert.deepEqual(Buffer.from(fixture.calls.at(-1)?.exporter() ?? []), Buffer.from(ours));
    }
    client.close();
  });

  test("bytes are counted per kind of principal", async () => {
    await httpsRequest(`${fixture.url}/echo`, { tls: fixture.tls, method: "PUT", body: Buffer.alloc(900) });
    const device = fixture.gateway.traffic().get("device");
    assert.ok(device !== undefined && device.received > 900 && device.sent > 0);
  });

  test("a listener on a taken port says which, and what to do", async () => {
    const { port } = fixture.gateway;
    await assert.rejects(startTestGateway({ port }), (thrown) => {
      withCode("unavailable")(thrown);
      assert.ok(thrown instanceof SelvedgeError);
      assert.match(thrown.message, new RegExp(`port ${port} is already in use`));
      assert.match(thrown.fix ?? "", /another port/);
      return true;
    });
  });

  test("a key that is no key is refused", async () => {
    const tls = { cert: "no", key: "no", clientCa: fixture.authority.ca };
    await assert.rejects(startTestGateway({ tls }), withCode("invalid_argument"));
  });
});

async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}

async function* nothing(): AsyncGenerator<{ envelope: Uint8Array }> {}

function never(): AbortSignal {
  return new AbortController().signal;
}
