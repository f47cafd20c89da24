import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:https";
import { test } from "node:test";
import { connect } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { createTestAuthority } from "@selvedge/testkit";
import { GRPCInferenceService } from "./gen/inference/grpc_service_pb.js";
import { testServer } from "./models.fixture.ts";

test("[SV13] with a certificate both ports speak TLS 1.3, and nothing older", async (t) => {
  const { ca, issueServer } = await createTestAuthority();
  const { url, grpcAddress } = await testServer(t, { grpcPort: 0, tls: await issueServer() });
  assert.match(url, /^https:/);
  const [response] = await once(get(`${url}/healthz`, { ca, agent: false }), "response");
  response.resume();
  assert.equal(response.statusCode, 200);

  const baseUrl = `https://${grpcAddress}`;
  const sessionManager = new Http2SessionManager(baseUrl, undefined, { ca });
  t.after(() => sessionManager.abort());
  const rpc = createClient(GRPCInferenceService, createGrpcTransport({ baseUrl, sessionManager }));
  assert.equal((await rpc.serverLive({})).live, true);

  for (const address of [url, baseUrl]) {
    const port = Number(new URL(address).port);
    const old = connect({
      host: "127.0.0.1",
      port,
      ca,
      maxVersion: "TLSv1.2",
      ALPNProtocols: ["h2", "http/1.1"],
    });
    const [error] = await once(old, "error");
    assert.match(String(error), /protocol version/i);
  }
});

test("a certificate or key that cannot be used is refused, and nothing is left listening", async (t) => {
  const tls = { cert: "no certificate", key: "no key" };
  await assert.rejects(testServer(t, { tls }), { code: "invalid_argument" });
});
