import assert from "node:assert/strict";
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { type TestContext, test } from "node:test";
import { testServer } from "../models.fixture.ts";
import { frameMessage } from "./message-frames.ts";

const path = "/inference.GRPCInferenceService/ServerLive";
const empty = frameMessage(new Uint8Array(0));

test("[SV16] calls that are none are refused with the status that says so", async (t) => {
  const session = await open(t);
  const refusals: readonly [OutgoingHttpHeaders, Uint8Array, string, RegExp][] = [
    [{ ":path": "/inference.GRPCInferenceService/Nothing" }, empty, "12", /no method \/inference/],
    [{ ":path": "/" }, empty, "12", /no method/],
    [{ "grpc-encoding": "gzip" }, empty, "12", /compressed/],
    [{ "grpc-timeout": "soon" }, empty, "3", /grpc-timeout/],
    [{}, Buffer.concat([empty, empty]), "12", /more than one message/],
    [{}, new Uint8Array(0), "12", /no message/],
    [{}, empty.subarray(0, 3), "3", /ends within a message/],
    [{}, Uint8Array.of(1, 0, 0, 0, 0), "3", /compressed/],
    [{}, frameMessage(Uint8Array.of(255)), "3", /./],
  ];
  for (const [headers, body, status, message] of refusals) {
    const heard = await ask(session, headers, body);
    assert.deepEqual([heard[":status"], heard["grpc-status"]], [200, status], String(message));
    assert.match(decodeURIComponent(String(heard["grpc-message"])), message);
  }
  assert.equal((await ask(session, { "content-type": "application/json" }, empty))[":status"], 415);
  assert.equal((await ask(session, {}, empty))["grpc-status"], "0");
});

test("[SV3] [SV16] a message over the limit is refused before it has been sent", async (t) => {
  const session = await open(t, 1_000);
  const stream = session.request({ ...call, ":path": path });
  const [heard] = await Promise.all([heardOn(stream), stream.write(Uint8Array.of(0, 0, 0, 4, 0))]);
  assert.equal(heard["grpc-status"], "8");
  assert.match(String(heard["grpc-message"]), /1024 bytes, at most 1000/);
  assert.equal((await ask(session, {}, empty))["grpc-status"], "0");
});

const call = { ":method": "POST", "content-type": "application/grpc+proto", te: "trailers" };

async function open(t: TestContext, requestBytesMax = 4_096): Promise<ClientHttp2Session> {
  const { grpcAddress } = await testServer(t, { grpcPort: 0, requestBytesMax });
  const session = connect(`http://${grpcAddress}`);
  t.after(() => session.destroy());
  return session;
}

async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: Uint8Array,
): Promise<OutgoingHttpHeaders> {
  const stream = session.request({ ...call, ":path": path, ...headers });
  stream.end(body);
  return await heardOn(stream);
}

/** Headers and trailers of what is answered. */
async function heardOn(stream: ReturnType<ClientHttp2Session["request"]>): Promise<OutgoingHttpHeaders> {
  const heard: OutgoingHttpHeaders = {};
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.on("response", (headers) => Object.assign(heard, headers));
  stream.on("trailers", (trailers) => Object.assign(heard, trailers));
  stream.on("error", reject).on("close", resolve).resume();
  await promise;
  return heard;
}
