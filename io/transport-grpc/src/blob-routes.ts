import { type BlobReference, type Digest, limits, parseDigest, SelvedgeError } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";
import { type ByteRange, formatContentRange, parseContentRange, parseRange } from "./byte-range.ts";
import { httpError } from "./http-errors.ts";
import type { HttpAnswer, HttpRequest, HttpRoute } from "./http-route.ts";

export interface BlobRoutesOptions<Principal> {
  readonly store: BlobStore;
  /** Whether this caller may see these bytes, or that they exist. */
  canRead(principal: Principal, digest: Digest): boolean | Promise<boolean>;
  /** Largest blob this caller may upload under this digest, bytes; 0 = none. */
  writeBytesMax(principal: Principal, digest: Digest): number | Promise<number>;
}

/** Under `/v1/blobs/<digest>`; see SPEC BL10 to BL16. */
export const blobsPath = "/v1/blobs/";

/** How many bytes of a blob the server has of an unfinished upload. */
export const uploadOffsetHeader = "upload-offset";

/** Content-addressed bytes over HTTP: ranged reads and resumable uploads. */
export function blobRoutes<Principal>(
  options: BlobRoutesOptions<Principal>,
): readonly HttpRoute<Principal>[] {
  return [
    {
      route: "blobs.read",
      methods: ["GET", "HEAD"],
      path: blobsPath,
      bodyBytesMax: 0,
      handle: (request) => read(options, request),
    },
    {
      route: "blobs.write",
      methods: ["PUT"],
      path: blobsPath,
      bodyBytesMax: limits.blobChunkBytes,
      handle: (request) => write(options, request),
    },
  ];
}

async function read<Principal>(
  { store, canRead, writeBytesMax }: BlobRoutesOptions<Principal>,
  { principal, path, method, headers }: HttpRequest<Principal>,
): Promise<HttpAnswer> {
  const digest = digestOf(path);
  const readable = await canRead(principal, digest);
  // Who uploads asks how far it got, also before it may read.
  if (!readable && !(method === "HEAD" && (await writeBytesMax(principal, digest)) > 0))
    throw refused("read", path);
  const blob = await store.stat(digest);
  if (blob === undefined) return await missing(store, digest, path);
  const entity = entityHeaders(blob);
  if (headers["if-none-match"] === etagOf(digest)) return { status: 304, headers: entity };
  // A range applies to GET alone, and only to the bytes the caller has in mind (RFC 9110, 13.1.5).
  const ifRange = headers["if-range"] ?? etagOf(digest);
  const range = method === "GET" && ifRange === etagOf(digest) ? headers.range : undefined;
  return ranged(store, blob, parseRange(range, blob.length), entity);
}

function ranged(
  store: BlobStore,
  { digest, length }: BlobReference,
  range: ByteRange | "unsatisfiable" | undefined,
  entity: Readonly<Record<string, string>>,
): HttpAnswer {
  if (range === "unsatisfiable") {
    const error = new SelvedgeError("out_of_range", `the blob has ${length} bytes`, { at: digest });
    return httpError(error, { "content-range": `bytes */${length}` });
  }
  const { start, end } = range ?? { start: 0, end: length };
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...entity,
      "content-length": String(end - start),
      ...(range === undefined ? {} : { "content-range": formatContentRange(range, length) }),
    },
    body: store.stream(digest, start, end),
  };
}

async function missing(store: BlobStore, digest: Digest, path: string): Promise<HttpAnswer> {
  const offset = await store.uploadOffset(digest);
  return httpError(new SelvedgeError("not_found", "no such blob", { at: path }), {
    [uploadOffsetHeader]: String(offset),
  });
}

async function write<Principal>(
  options: BlobRoutesOptions<Principal>,
  { principal, path, headers, body }: HttpRequest<Principal>,
): Promise<HttpAnswer> {
  const { store, writeBytesMax } = options;
  const digest = digestOf(path);
  const bytesMax = await writeBytesMax(principal, digest);
  if (bytesMax === 0) throw refused("upload", path);
  const range = uploadRange(headers["content-range"], headers["content-length"], path);
  if (range.total > bytesMax) {
    throw new SelvedgeError("too_large", `a blob may have at most ${bytesMax} bytes here`, { at: path });
  }
  const reference = { digest, length: range.total };
  if ((await store.stat(digest)) !== undefined) {
    return { status: 200, headers: { etag: etagOf(digest), "content-length": "0" } };
  }
  try {
    const offset = await appendAll(store, reference, range, body);
    return offset === range.total
      ? { status: 201, headers: { etag: etagOf(digest), "content-length": "0" } }
      : { status: 202, headers: { [uploadOffsetHeader]: String(offset), "content-length": "0" } };
  } catch (thrown) {
    return httpError(thrown, { [uploadOffsetHeader]: String(await store.uploadOffset(digest)) });
  }
}

/** Appends as the bytes come, so that what arrived before a cut is kept. */
async function appendAll(
  store: BlobStore,
  reference: BlobReference,
  range: ByteRange,
  body: AsyncIterable<Uint8Array>,
): Promise<number> {
  let offset = range.start;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(batch);
    batch = [];
    batchBytes = 0;
    if (bytes.byteLength > 0 || reference.length === 0) offset = await store.append(reference, offset, bytes);
  };
  try {
    for await (const chunk of body) {
      if (offset + batchBytes + chunk.byteLength > range.end) throw longerThanSaid(reference.digest);
      batch.push(chunk);
      batchBytes += chunk.byteLength;
      if (batchBytes >= appendBytes) await flush();
      // Someone else uploaded the same bytes and was faster.
      if (offset === reference.length) break;
    }
  } finally {
    await flush();
  }
  return offset;
}

function digestOf(path: string): Digest {
  return parseDigest(path.slice(blobsPath.length), path);
}

/** Which bytes of which total a PUT brings; without Content-Range the whole blob. */
function uploadRange(
  contentRange: string | undefined,
  contentLength: string | undefined,
  at: string,
): ByteRange & { readonly total: number } {
  const declared = contentLength === undefined ? undefined : Number(contentLength);
  const range = parseContentRange(contentRange);
  if (contentRange === undefined && declared !== undefined)
    return { start: 0, end: declared, total: declared };
  if (range !== undefined && (declared === undefined || declared === range.end - range.start)) return range;
  throw new SelvedgeError(
    "invalid_argument",
    `not a range of a blob: "${(contentRange ?? "").slice(0, 80)}"`,
    {
      at,
      fix: "send Content-Range: bytes FIRST-LAST/TOTAL that agrees with Content-Length",
    },
  );
}

function entityHeaders({ digest, length }: BlobReference): Readonly<Record<string, string>> {
  return {
    "accept-ranges": "bytes",
    "cache-control": "private, immutable, max-age=31536000",
    "content-length": String(length),
    "content-type": "application/octet-stream",
    etag: etagOf(digest),
  };
}

/** Strong: equal digests are equal bytes (RFC 9110, 8.8.3). */
function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

function refused(verb: string, at: string): SelvedgeError {
  return new SelvedgeError("permission_denied", `this caller may not ${verb} this blob`, { at });
}

function longerThanSaid(at: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", "more bytes came than the range has", { at });
}

/** Large enough to spare the store, small enough for thousands of uploads at once. */
const appendBytes = 262_144;
