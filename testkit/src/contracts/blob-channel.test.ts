import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { request } from "node:https";
import { after, before, test } from "node:test";
import { type BlobReference, type Digest, digestOf, limits, SelvedgeError } from "@selvedge/protocol";
import { type BlobStore, openMemoryBlobStore } from "@selvedge/storage";
import { blobRoutes, createHttpBlobChannel } from "@selvedge/transport-grpc";
import fc from "fast-check";
import { type CuttingProxy, startCuttingProxy } from "../fixtures/cutting-proxy.ts";
import { type HttpsResponse, httpsRequest } from "../fixtures/https-request.ts";
import { startTestGateway, type TestGateway, type TestPrincipal } from "../fixtures/test-gateway.ts";
import { withCode } from "./link-contract.ts";

const store: BlobStore = openMemoryBlobStore();
const hidden = new Set<Digest>();
const sealed = new Set<Digest>();
const small = Buffer.from("0123456789");
let fixture: TestGateway;

before(async () => {
  await store.put(small);
  fixture = await startTestGateway({
    httpRoutes: blobRoutes<TestPrincipal>({
      store,
      canRead: (_principal, digest) => !hidden.has(digest),
      writeBytesMax: (_principal, digest) => (sealed.has(digest) ? 0 : 16_777_216),
    }),
  });
});
after(() => fixture.gateway.close());

test("[BL10] a blob is read whole, under a strong ETag that is its digest", async () => {
  const whole = await ask(digestOf(small));
  assert.equal(whole.status, 200);
  assert.deepEqual(whole.body, small);
  assert.equal(whole.headers.etag, `"${digestOf(small)}"`);
  assert.equal(whole.headers["accept-ranges"], "bytes");
  const head = await ask(digestOf(small), { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(head.headers["content-length"], "10");
  assert.equal(head.body.byteLength, 0);
  assert.equal(
    (await ask(digestOf(small), { headers: { "if-none-match": `"${digestOf(small)}"` } })).status,
    304,
  );
});

test("[BL10] an absent blob is 404 and a name that is no digest 400", async () => {
  assert.equal((await ask(digestOf(Buffer.from("absent")))).status, 404);
  for (const name of ["sha256:xyz", "..%2f..%2fetc%2fpasswd", "sha512:00", ""]) {
    assert.equal((await ask(name)).status, 400, name);
  }
});

for (const [range, status, body, contentRange] of [
  ["bytes=0-0", 206, "0", "bytes 0-0/10"],
  ["bytes=2-5", 206, "2345", "bytes 2-5/10"],
  ["bytes=9-", 206, "9", "bytes 9-9/10"],
  ["bytes=5-100", 206, "56789", "bytes 5-9/10"],
  ["bytes=-3", 206, "789", "bytes 7-9/10"],
  ["bytes=-100", 206, "0123456789", "bytes 0-9/10"],
  ["bytes=10-", 416, undefined, "bytes */10"],
  ["bytes=-0", 416, undefined, "bytes */10"],
  ["bytes=5-2", 200, "0123456789", undefined],
  ["bytes=0-1,4-5", 200, "0123456789", undefined],
  ["lines=0-1", 200, "0123456789", undefined],
  ["bytes=-", 200, "0123456789", undefined],
] as const) {
  test(`[BL11] Range "${range}" of ten bytes answers ${status}`, async () => {
    const answer = await ask(digestOf(small), { headers: { range } });
    assert.equal(answer.status, status);
    assert.equal(answer.headers["content-range"], contentRange);
    if (body !== undefined) assert.equal(answer.body.toString(), body);
  });
}

test("[BL11] a range of other bytes than the caller has in mind is not taken", async () => {
  const headers = { range: "bytes=2-5", "if-range": '"sha256:other"' };
  assert.equal((await ask(digestOf(small), { headers })).status, 200);
});

test("[BL12] a blob comes up in ranges, or whole in one request", async () => {
  const bytes = randomBytes(2_000);
  const first = await put(bytes, { start: 0, end: 1_200 });
  assert.equal(first.status, 202);
  assert.equal(first.headers["upload-offset"], "1200");
  assert.equal((await put(bytes, { start: 1_200, end: 2_000 })).status, 201);
  assert.deepEqual(Buffer.from(await store.get(digestOf(bytes))), bytes);
  assert.equal((await put(bytes, { start: 0, end: 1_200 })).status, 200);
  const whole = randomBytes(100);
  assert.equal((await ask(digestOf(whole), { method: "PUT", body: whole })).status, 201);
});

test("[BL12] a range that contradicts itself or its body is refused", async () => {
  const bytes = randomBytes(100);
  for (const range of [
    "bytes 5-2/100",
    "bytes 0-100/100",
    "bytes 0-49/*",
    "bytes 0-98/100",
    "pages 0-99/100",
    "",
  ]) {
    const answer = await ask(digestOf(bytes), {
      method: "PUT",
      body: bytes,
      headers: { "content-range": range },
    });
    assert.equal(answer.status, 400, range);
  }
  assert.equal(await store.uploadOffset(digestOf(bytes)), 0);
});

test("[BL13] an unfinished upload says where it stands, to a question and to a wrong offset", async () => {
  const bytes = randomBytes(1_000);
  await put(bytes, { start: 0, end: 300 });
  const head = await ask(digestOf(bytes), { method: "HEAD" });
  assert.deepEqual([head.status, head.headers["upload-offset"]], [404, "300"]);
  for (const range of [
    { start: 0, end: 1_000 },
    { start: 500, end: 1_000 },
  ]) {
    const wrong = await put(bytes, range);
    assert.deepEqual([wrong.status, wrong.headers["upload-offset"]], [409, "300"]);
  }
});

test("[BL14] bytes of another digest are refused and nothing is kept", async () => {
  const claimed = referenceOf(randomBytes(3_000));
  const channel = createHttpBlobChannel(fixture);
  await assert.rejects(channel.upload(claimed, readerOf(randomBytes(3_000)), never()), withCode("corrupt"));
  assert.equal(await store.stat(claimed.digest), undefined);
  assert.equal(await store.uploadOffset(claimed.digest), 0);
  channel.close();
});

test("[BL15] a blob above the limit and a body above 1 MiB are refused", async () => {
  const bytes = randomBytes(1);
  const tooLong = await ask(digestOf(bytes), {
    method: "PUT",
    body: bytes,
    headers: { "content-range": `bytes 0-0/${16_777_217}` },
  });
  assert.equal(tooLong.status, 413);
  const body = Buffer.alloc(limits.blobChunkBytes + 1);
  assert.equal((await ask(digestOf(body), { method: "PUT", body })).status, 413);
  assert.equal(await store.uploadOffset(digestOf(body)), 0);
});

test("[BL16] only who may read a blob gets it, and only who may write it uploads it", async () => {
  const bytes = randomBytes(100);
  hidden.add(digestOf(bytes));
  sealed.add(digestOf(bytes));
  await store.put(bytes);
  assert.equal((await ask(digestOf(bytes))).status, 403);
  assert.equal((await ask(digestOf(bytes), { method: "HEAD" })).status, 403);
  assert.equal((await ask(digestOf(bytes), { method: "PUT", body: bytes })).status, 403);
  sealed.delete(digestOf(bytes));
  assert.equal((await ask(digestOf(bytes), { method: "HEAD" })).status, 200);
});

test("[BL17] a channel moves blobs of every size up and down", async () => {
  const channel = createHttpBlobChannel(fixture);
  for (const size of [0, 1, limits.blobChunkBytes, limits.blobChunkBytes + 1, 3_000_001]) {
    const bytes = randomBytes(size);
    await channel.upload(referenceOf(bytes), readerOf(bytes), never());
    assert.deepEqual(Buffer.from(await store.get(digestOf(bytes))), bytes);
    assert.deepEqual(await downloadAll(channel, referenceOf(bytes)), bytes);
  }
  channel.close();
});

for (const direction of ["up", "down"] as const) {
  test(`[BL17] a transfer ${direction} cut at any byte goes on, and moves at most 5 % more`, async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: payloadBytes }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.integer(), async (offsets, seed) => {
        const bytes = randomBytes(payloadBytes, seed);
        const moved = await transferWithCuts(direction, bytes, offsets);
        assert.ok(moved <= bytes.byteLength * 1.05, `${moved} bytes for ${bytes.byteLength}`);
      }),
      { numRuns: 6, seed: 20_260_401 },
    );
  });
}

test("[BL18] two uploads of one blob at once both succeed", async () => {
  const bytes = randomBytes(5_000_000);
  const channels = [createHttpBlobChannel(fixture), createHttpBlobChannel(fixture)];
  await Promise.all(channels.map((channel) => channel.upload(referenceOf(bytes), readerOf(bytes), never())));
  assert.deepEqual(Buffer.from(await store.get(digestOf(bytes))), bytes);
  for (const channel of channels) channel.close();
});

test("[SE8] a transfer under way ends when its caller may no longer make it", async () => {
  const bytes = randomBytes(16_000_000);
  await store.put(bytes);
  const { ca, cert, key } = fixture.tls;
  const url = `${fixture.url}/v1/blobs/${digestOf(bytes)}`;
  const outgoing = request(url, { ca: [ca].flat(), cert, key, agent: false }).end();
  const [response]: IncomingMessage[] = await once(outgoing, "response");
  assert.ok(response !== undefined);
  fixture.refuse(new SelvedgeError("permission_denied", "revoked"));
  await fixture.gateway.recheck();
  fixture.refuse(undefined);
  await assert.rejects(async () => {
    for await (const _ of response);
  }, /aborted/);
  await store.delete(digestOf(bytes));
});

test("[BL10] [BL12] the same routes are served over HTTP/2", async () => {
  const bytes = randomBytes(300_000);
  const { ca, cert, key } = fixture.tls;
  const session = connect(fixture.url, { ca: [ca].flat(), cert, key });
  const path = `/v1/blobs/${digestOf(bytes)}`;
  const put = session.request({ ":method": "PUT", ":path": path, "content-length": bytes.byteLength });
  put.end(bytes);
  const [stored] = await once(put, "response");
  assert.equal(stored[":status"], 201);
  const get = session.request({ ":path": path });
  assert.deepEqual(Buffer.concat(await get.toArray()), bytes);
  const absent = session.request({ ":path": "/v1/other" });
  const [notFound] = await once(absent, "response");
  assert.equal(notFound[":status"], 404);
  session.destroy();
});

test("a transfer that stalls is cut and says so", async () => {
  const proxy = await startCuttingProxy(fixture.gateway.port);
  const channel = createHttpBlobChannel({ url: urlOf(proxy), tls: fixture.tls, stallTimeoutMs: 50 });
  const bytes = randomBytes(3_000_000);
  await store.put(bytes);
  const sink = async (): Promise<void> => proxy.freeze();
  await assert.rejects(channel.download(referenceOf(bytes), 0, sink, never()), /nothing moved for/);
  channel.close();
  await proxy.close();
});

test("a transfer stops when its signal aborts", async () => {
  const channel = createHttpBlobChannel(fixture);
  const bytes = randomBytes(3_000_000);
  await store.put(bytes);
  const stop = new AbortController();
  const sink = async (): Promise<void> => stop.abort();
  await assert.rejects(channel.download(referenceOf(bytes), 0, sink, stop.signal), withCode("cancelled"));
  await assert.rejects(
    channel.upload(referenceOf(bytes), readerOf(bytes), stop.signal),
    withCode("cancelled"),
  );
  channel.close();
});

const payloadBytes = 4_000_000;

async function transferWithCuts(
  direction: "up" | "down",
  bytes: Buffer,
  offsets: readonly number[],
): Promise<number> {
  const proxy = await startCuttingProxy(fixture.gateway.port);
  const channel = createHttpBlobChannel({ url: urlOf(proxy), tls: fixture.tls });
  if (direction === "down") await store.put(bytes);
  const cuts = [...offsets].sort((a, b) => a - b);
  const received: Buffer[] = [];
  for (let done = false; !done; ) {
    const cut = cuts.shift();
    if (cut !== undefined) proxy.cutAfter(direction, Math.max(1, cut - proxy.bytes[direction]));
    try {
      if (direction === "up") await channel.upload(referenceOf(bytes), readerOf(bytes), never());
      else await channel.download(referenceOf(bytes), lengthOf(received), collectInto(received), never());
      done = true;
    } catch (thrown) {
      withCode("unavailable")(thrown);
      channel.close();
      await proxy.idle();
    }
  }
  const result = direction === "up" ? Buffer.from(await store.get(digestOf(bytes))) : Buffer.concat(received);
  assert.ok(result.equals(bytes));
  channel.close();
  await proxy.close();
  await store.delete(digestOf(bytes));
  return proxy.bytes[direction];
}

async function downloadAll(
  channel: ReturnType<typeof createHttpBlobChannel>,
  reference: BlobReference,
): Promise<Buffer> {
  const received: Buffer[] = [];
  await channel.download(reference, 0, collectInto(received), never());
  return Buffer.concat(received);
}

function collectInto(received: Buffer[]): (offset: number, chunk: Uint8Array) => Promise<void> {
  return async (offset, chunk) => {
    assert.equal(offset, lengthOf(received));
    received.push(Buffer.from(chunk));
  };
}

function lengthOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function ask(
  name: string,
  request: { method?: string; headers?: Record<string, string>; body?: Buffer } = {},
): Promise<HttpsResponse> {
  return httpsRequest(`${fixture.url}/v1/blobs/${name}`, { tls: fixture.tls, ...request });
}

function put(bytes: Buffer, { start, end }: { start: number; end: number }): Promise<HttpsResponse> {
  return ask(digestOf(bytes), {
    method: "PUT",
    body: bytes.subarray(start, end),
    headers: { "content-range": `bytes ${start}-${end - 1}/${bytes.byteLength}` },
  });
}

/** Reproducible bytes, other ones for each seed. */
function randomBytes(size: number, seed = ++seedsUsed): Buffer {
  if (size === 0) return Buffer.alloc(0);
  return createHash("shake256", { outputLength: size }).update(String(seed)).digest();
}

let seedsUsed = 0;

function referenceOf(bytes: Uint8Array): BlobReference {
  return { digest: digestOf(bytes), length: bytes.byteLength };
}

function readerOf(bytes: Buffer): (start: number, end: number) => AsyncIterable<Uint8Array> {
  return async function* read(start, end) {
    for (let at = start; at < end; at += 65_536) yield bytes.subarray(at, Math.min(end, at + 65_536));
  };
}

function urlOf({ port }: CuttingProxy): string {
  return `https://127.0.0.1:${port}`;
}

function never(): AbortSignal {
  return new AbortController().signal;
}
