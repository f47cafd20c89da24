import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { test as registerTest } from "node:test";
import { createClient } from "@connectrpc/connect";
import { EnrolmentService, limits, SelvedgeError } from "@selvedge/protocol";
import type { Link } from "@selvedge/transport";
import { createGatewayClient, createGrpcDialer, type GrpcDialerOptions } from "@selvedge/transport-grpc";
import { createTestAuthority } from "../fixtures/certificates.ts";
import { type CuttingProxy, startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { startTestGateway, type TestGateway } from "../fixtures/test-gateway.ts";
import { collect, envelope, whenClosed, withCode } from "./link-contract.ts";

interface Scene {
  readonly fixture: TestGateway;
  readonly proxy: CuttingProxy;
  /** Dials through the proxy. */
  dial(options?: Partial<GrpcDialerOptions>): Promise<Link>;
}

function test(
  title: string,
  options: Parameters<typeof startTestGateway>[0],
  body: (scene: Scene) => Promise<void>,
): void {
  registerTest(title, async () => {
    const fixture = await startTestGateway(options);
    const proxy = await startCuttingProxy(fixture.gateway.port);
    const url = `https://127.0.0.1:${proxy.port}`;
    const dial = (more: Partial<GrpcDialerOptions> = {}): Promise<Link> =>
      createGrpcDialer({ url, tls: fixture.tls, ...more }).dial(never());
    try {
      await body({ fixture, proxy, dial });
    } finally {
      await proxy.close();
      await fixture.gateway.close();
    }
  });
}

test("[SE8] lasting streams are rechecked by themselves", { recheckEveryMs: 5 }, async ({
  fixture,
  dial,
}) => {
  const closed = whenClosed(await dial());
  fixture.refuse(new SelvedgeError("permission_denied", "revoked"));
  assert.match(await closed, /revoked/);
});

test("[SE9] errors keep code, message, place and fix; others say nothing", {
  services(router) {
    router.service(EnrolmentService, {
      challenge() {
        throw new SelvedgeError("conflict", "two at once", {
          at: "table",
          fix: "try again",
          retryAfterMs: 1_500,
        });
      },
      enrol() {
        throw new TypeError("secret detail");
      },
    });
  },
}, async ({ fixture }) => {
  const client = createGatewayClient(fixture);
  const enrolment = createClient(EnrolmentService, client.transport);
  await assert.rejects(enrolment.challenge({}), (thrown) => {
    assert.ok(thrown instanceof SelvedgeError);
    const { code, message, at, fix, retryAfterMs } = thrown;
    assert.deepEqual(
      [code, message, at, fix, retryAfterMs],
      ["conflict", "two at once", "table", "try again", 1_500],
    );
    return true;
  });
  await assert.rejects(enrolment.enrol({}), (thrown) => {
    withCode("internal")(thrown);
    assert.doesNotMatch(String(thrown), /secret/);
    return true;
  });
  assert.match(String(fixture.internalErrors[0]), /secret detail/);
  const large = { csr: Buffer.alloc(limits.requestBytesMax + 1) };
  await assert.rejects(enrolment.enrol(large), withCode("resource_exhausted"));
  client.close();
});

test("[SE10] a device that reads too slowly loses its link", {}, async ({ fixture, proxy, dial }) => {
  const accepted = fixture.nextLink();
  const device = await dial();
  const coordinator = await accepted;
  const closed = whenClosed(coordinator);
  proxy.freeze();
  let open = true;
  coordinator.onClose(() => {
    open = false;
  });
  const large = envelope(1);
  large.epoch = "x".repeat(1_000_000);
  // All in one turn of the event loop, so nothing is written meanwhile.
  for (let sent = 0; open && sent < 20; sent += 1) coordinator.send(large);
  assert.match(await closed, /reads too slowly/);
  device.close("done");
});

test("[SE11] shutting down ends every link and connection at once", {}, async ({ fixture, dial }) => {
  const agent = new Agent({ keepAlive: true, ca: [fixture.tls.ca].flat() });
  const idle = request(fixture.url, { agent }).end();
  const [response] = await once(idle, "response");
  response.resume();
  await once(response, "end");
  const closed = whenClosed(await dial());
  await fixture.gateway.close();
  assert.match(await closed, /shutting down/);
  await assert.rejects(dial(), withCode("unavailable"));
  agent.destroy();
});

test("[SE11] a peer that does not let go is cut after the grace", { closeGraceMs: 10 }, async (scene) => {
  await scene.dial();
  scene.proxy.freeze();
  await scene.fixture.gateway.close();
});

test("[SE12] the coordinator notices a device that vanished", { pingEveryMs: 20 }, async (scene) => {
  const accepted = scene.fixture.nextLink();
  await scene.dial();
  const closed = whenClosed(await accepted);
  scene.proxy.freeze();
  await closed;
});

test("[SE12] the device notices a coordinator that vanished", {}, async ({ proxy, dial }) => {
  const device = await dial({ pingEveryMs: 20, pingTimeoutMs: 20 });
  const closed = whenClosed(device);
  proxy.freeze();
  await closed;
});

test("a link cut inside an envelope closes on both sides", {}, async ({ fixture, proxy, dial }) => {
  const accepted = fixture.nextLink();
  const device = await dial();
  const coordinator = await accepted;
  coordinator.onEnvelope(() => assert.fail("delivered"));
  proxy.cutAfter("up", 1_000);
  const large = envelope(1);
  large.epoch = "x".repeat(500_000);
  device.send(large);
  await Promise.all([whenClosed(device), whenClosed(coordinator)]);
});

test("a renewed certificate serves new links while old ones go on", {}, async ({ fixture, dial }) => {
  const accepted = fixture.nextLink();
  const old = await dial();
  const renewed = await createTestAuthority("renewed root");
  fixture.gateway.setTls({ ...(await renewed.issueServer()), clientCa: fixture.authority.ca });
  await assert.rejects(dial(), withCode("untrusted"));
  const fresh = await dial({ tls: { ...fixture.tls, ca: renewed.ca } });
  old.send(envelope(1));
  assert.deepEqual(await collect(await accepted, 1), [envelope(1)]);
  old.close("done");
  fresh.close("done");
});

registerTest("[SE5] dialling where nobody listens, or nobody answers, is unavailable", async () => {
  const silent = createServer((socket) => void socket.resume());
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const { ca } = await createTestAuthority();
  const dialer = createGrpcDialer({ url: `https://127.0.0.1:${port}`, tls: { ca }, dialTimeoutMs: 30 });
  await assert.rejects(dialer.dial(never()), /no answer within/);
  await assert.rejects(dialer.dial(AbortSignal.abort()), withCode("cancelled"));
  silent.close();
  await once(silent, "close");
  await assert.rejects(dialer.dial(never()), /ECONNREFUSED/);
});

function never(): AbortSignal {
  return new AbortController().signal;
}
