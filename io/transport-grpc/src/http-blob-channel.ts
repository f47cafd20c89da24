import type { IncomingMessage } from "node:http";
import { type BlobReference, limits, SelvedgeError } from "@selvedge/protocol";
import type { BlobChannel } from "@selvedge/transport";
import { blobsPath, uploadOffsetHeader } from "./blob-routes.ts";
import { type ByteRange, formatContentRange } from "./byte-range.ts";
import type { TlsSource } from "./gateway-client.ts";
import { type HttpCall, httpExchange, refusal, responseBody } from "./http-exchange.ts";
import { createHttpsAgents } from "./https-agents.ts";

export interface HttpBlobChannelOptions {
  /** "https://host:port" of the coordinator. */
  readonly url: string;
  readonly tls: TlsSource;
  /** Sent with every request, e.g. an operator's bearer token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A connection on which nothing moves for longer is cut, milliseconds; default 60 s. */
  readonly stallTimeoutMs?: number;
}

export interface HttpBlobChannel extends BlobChannel {
  /** Drops connections; the channel can still be used. */
  close(): void;
}

/** Bulk bytes over HTTP/1.1 ranges, on connections that are kept; see SPEC BL10 to BL16. */
export function createHttpBlobChannel(options: HttpBlobChannelOptions): HttpBlobChannel {
  const { headers = {}, stallTimeoutMs = 60_000 } = options;
  const url = new URL(options.url);
  const agents = createHttpsAgents(url, options.tls);
  const exchange: Exchange = (call) =>
    httpExchange({ url, agent: agents.current(), headers, stallTimeoutMs }, call);
  return {
    upload: (reference, read, signal) => upload({ exchange, url, reference, signal }, read),
    download: (reference, offset, sink, signal) =>
      download({ exchange, url, reference, signal }, offset, sink),
    close: () => agents.close(),
  };
}

type Exchange = (call: HttpCall) => Promise<IncomingMessage>;

interface Transfer {
  readonly exchange: Exchange;
  readonly url: URL;
  readonly reference: BlobReference;
  readonly signal: AbortSignal;
}

async function upload(transfer: Transfer, read: Parameters<BlobChannel["upload"]>[1]): Promise<void> {
  const { length } = transfer.reference;
  let position = await uploadPosition(transfer);
  let stalls = 0;
  while (position !== "complete") {
    // At the very end another uploader is about to finish: one byte asks how it went.
    const start = Math.max(0, Math.min(position, length - 1));
    const range = { start, end: Math.min(start + limits.blobChunkBytes, length) };
    const next: Position = await putRange(transfer, range, exactly(read(range.start, range.end), range));
    stalls = next !== "complete" && next <= position ? stalls + 1 : 0;
    if (stalls > stallsMax) throw noProgress(transfer);
    position = next;
  }
}

/** Bytes the server has, or that it has them all, durably. */
type Position = number | "complete";

async function uploadPosition(transfer: Transfer): Promise<Position> {
  const { exchange, url, reference, signal } = transfer;
  const response = await exchange({ method: "HEAD", path: pathOf(reference), signal });
  response.resume();
  if (response.statusCode === 200) return "complete";
  if (response.statusCode === 404) return positionOf(response, transfer);
  throw await refusal(response, url, pathOf(reference));
}

async function putRange(
  transfer: Transfer,
  range: ByteRange,
  body: AsyncIterable<Uint8Array>,
): Promise<Position> {
  const { exchange, url, reference, signal } = transfer;
  const headers = {
    "content-length": String(range.end - range.start),
    // An empty blob has no range (RFC 9110, 14.4).
    ...(reference.length === 0 ? {} : { "content-range": formatContentRange(range, reference.length) }),
  };
  const response = await exchange({ method: "PUT", path: pathOf(reference), headers, body, signal });
  switch (response.statusCode) {
    case 200:
    case 201:
      response.resume();
      return "complete";
    case 202:
    case 409:
      response.resume();
      return positionOf(response, transfer);
    default:
      throw await refusal(response, url, pathOf(reference));
  }
}

async function download(
  transfer: Transfer,
  from: number,
  sink: Parameters<BlobChannel["download"]>[2],
): Promise<void> {
  const { exchange, url, reference, signal } = transfer;
  for (let offset = from; offset < reference.length; ) {
    const range = { start: offset, end: Math.min(offset + limits.blobChunkBytes, reference.length) };
    const headers = { range: `bytes=${range.start}-${range.end - 1}` };
    const response = await exchange({ method: "GET", path: pathOf(reference), headers, signal });
    if (response.statusCode !== 206) throw await refusal(response, url, pathOf(reference));
    if (response.headers["content-range"] !== formatContentRange(range, reference.length)) {
      response.destroy();
      throw wrongRange(transfer, response.headers["content-range"]);
    }
    for await (const chunk of exactly(responseBody(response, url), range)) {
      await sink(offset, chunk);
      offset += chunk.byteLength;
    }
  }
}

/** The same bytes; throws when there are more or fewer than the range has. */
async function* exactly(bytes: AsyncIterable<Uint8Array>, range: ByteRange): AsyncGenerator<Uint8Array> {
  const expected = range.end - range.start;
  let passed = 0;
  for await (const chunk of bytes) {
    passed += chunk.byteLength;
    if (passed > expected) break;
    yield chunk;
  }
  if (passed === expected) return;
  throw new SelvedgeError("corrupt", `bytes ${range.start} to ${range.end} came as ${passed} bytes`);
}

function positionOf(response: IncomingMessage, { reference }: Transfer): number {
  const header = response.headers[uploadOffsetHeader];
  const position = typeof header === "string" && /^\d{1,15}$/.test(header) ? Number(header) : Number.NaN;
  if (position >= 0 && position <= reference.length) return position;
  throw new SelvedgeError("corrupt", `the server says it has ${header} of ${reference.length} bytes`, {
    at: pathOf(reference),
  });
}

function pathOf({ digest }: BlobReference): string {
  return blobsPath + digest;
}

function wrongRange({ reference }: Transfer, got: string | undefined): SelvedgeError {
  return new SelvedgeError("corrupt", `the server sent another range or blob: ${got}`, {
    at: pathOf(reference),
  });
}

function noProgress({ reference }: Transfer): SelvedgeError {
  return new SelvedgeError("unavailable", "the upload does not get on", {
    at: pathOf(reference),
    fix: "try again later: someone may be uploading the same bytes",
  });
}

const stallsMax = 3;
