import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { pipeline } from "node:stream/promises";
import {
  type BlobReference,
  type Digest,
  digestOf,
  type ErrorCode,
  limits,
  SelvedgeError,
} from "@selvedge/protocol";
import { mediaTypes, type OciDocument } from "./descriptor.ts";

export interface RegistryClientOptions {
  /** `https://HOST:PORT`, or `http://` for a registry on this machine. */
  readonly url: URL;
  /** Roots to trust in place of the system's, PEM. */
  readonly ca?: string;
  readonly user?: string;
  readonly password?: string;
  readonly signal?: AbortSignal;
}

export interface RegistryBlob extends BlobReference {
  stream(): AsyncIterable<Uint8Array>;
}

/** Pushes to and pulls from a registry (OCI distribution-spec v1.1), with Basic or token authentication. */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  /** By scope, once the registry asked for it. */
  readonly #authorizations = new Map<string, string>();

  constructor(options: RegistryClientOptions) {
    this.#options = options;
  }

  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    const answer = await this.#call(repository, {
      method: "HEAD",
      path: `/v2/${repository}/blobs/${digest}`,
    });
    answer.resume();
    return answer.statusCode === 200;
  }

  /** Brings a blob, unless it is there. @returns whether it was brought. */
  async pushBlob(repository: string, blob: RegistryBlob): Promise<boolean> {
    if (await this.hasBlob(repository, blob.digest)) return false;
    const begun = await this.#call(repository, { method: "POST", path: `/v2/${repository}/blobs/uploads/` });
    await this.#expect(begun, [202]);
    const location = addressIn(begun.headers.location, this.#options.url);
    location.searchParams.set("digest", blob.digest);
    const headers = { "content-type": "application/octet-stream", "content-length": String(blob.length) };
    const path = location.pathname + location.search;
    const done = await this.#call(repository, { method: "PUT", path, headers, body: blob.stream() });
    await this.#expect(done, [201, 204]);
    return true;
  }

  /** @param reference - a tag, or the manifest's digest. */
  async putManifest(
    repository: string,
    reference: string,
    { bytes, descriptor }: OciDocument,
  ): Promise<void> {
    const path = `/v2/${repository}/manifests/${reference}`;
    const headers = { "content-type": descriptor.mediaType, "content-length": String(bytes.length) };
    await this.#expect(await this.#call(repository, { method: "PUT", path, headers, body: [bytes] }), [201]);
  }

  /** @throws SelvedgeError `not_found`; `corrupt` when the bytes are not those of the digest asked for. */
  async manifest(repository: string, reference: string): Promise<OciDocument> {
    const path = `/v2/${repository}/manifests/${reference}`;
    const answer = await this.#call(repository, {
      method: "GET",
      path,
      headers: { accept: acceptedManifests },
    });
    await this.#expect(answer, [200]);
    const bytes = await readAll(answer, limits.imageManifestBytesMax);
    const digest = digestOf(bytes);
    if (reference.startsWith("sha256:") && reference !== digest) throw wrongBytes(reference);
    const mediaType = answer.headers["content-type"] ?? mediaTypes.manifest;
    return { bytes, descriptor: { mediaType, digest, size: bytes.length } };
  }

  /** Bytes as they come: who keeps them verifies them. */
  async *blob(repository: string, digest: Digest): AsyncGenerator<Uint8Array> {
    const answer = await this.#call(repository, { method: "GET", path: `/v2/${repository}/blobs/${digest}` });
    await this.#expect(answer, [200]);
    yield* answer;
  }

  /** Once more with what the registry asks for. */
  async #call(repository: string, call: Call): Promise<IncomingMessage> {
    // A body is sent once: who is asked for is found out before it.
    if (call.body !== undefined && !this.#authorizations.has(repository))
      (await this.#call(repository, { method: "GET", path: "/v2/" })).resume();
    const answer = await this.#exchange(call, this.#authorizations.get(repository));
    // Also where a token has ended meanwhile.
    if (answer.statusCode !== 401 || call.body !== undefined) return answer;
    answer.resume();
    const authorization = await this.#authorize(repository, answer.headers["www-authenticate"] ?? "");
    if (authorization === undefined) throw anonymous(this.#options.url);
    this.#authorizations.set(repository, authorization);
    const second = await this.#exchange(call, authorization);
    // Not even with a token of nobody's.
    if (second.statusCode === 401 && this.#options.password === undefined) throw anonymous(this.#options.url);
    return second;
  }

  /** What a challenge asks for (RFC 9110, 11.6.1; Docker's token authentication). */
  async #authorize(repository: string, challenge: string): Promise<string | undefined> {
    const { url, user = "", password } = this.#options;
    const basic = password && `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    if (!/^bearer /i.test(challenge)) return basic;
    const { realm, service } = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
    );
    const tokens = addressIn(realm, url);
    if (service !== undefined) tokens.searchParams.set("service", service);
    tokens.searchParams.set("scope", `repository:${repository}:pull,push`);
    // The password goes to nobody who could not be proved to be who it is for.
    if (tokens.protocol !== "https:" && url.protocol === "https:") return undefined;
    const answer = await exchange(this.#options, tokens, { method: "GET", path: "" }, basic);
    await this.#expect(answer, [200]);
    return `Bearer ${tokenIn(await readAll(answer, 1_048_576), url)}`;
  }

  async #expect(answer: IncomingMessage, statuses: readonly number[]): Promise<void> {
    const { headers, statusCode = 0 } = answer;
    if (statuses.includes(statusCode)) {
      if (statusCode !== 200) answer.resume();
      return;
    }
    const text = Buffer.from(await readAll(answer, 65_536)).toString("utf8");
    throw refused(
      this.#options.url,
      statusCode,
      reasonIn(text) ?? headers["content-type"] ?? "no reason given",
    );
  }

  #exchange(call: Call, authorization: string | undefined): Promise<IncomingMessage> {
    return exchange(this.#options, new URL(call.path, this.#options.url), call, authorization);
  }
}

interface Call {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

function exchange(
  { ca, signal }: RegistryClientOptions,
  url: URL,
  { body, headers, method }: Call,
  authorization: string | undefined,
): Promise<IncomingMessage> {
  const { promise, reject, resolve } = Promise.withResolvers<IncomingMessage>();
  const outgoing = (url.protocol === "http:" ? requestHttp : requestHttps)(url, {
    method,
    headers: {
      ...headers,
      ...(authorization !== undefined && { authorization }),
      ...(body === undefined && method !== "GET" && method !== "HEAD" && { "content-length": "0" }),
    },
    ...(ca !== undefined && { ca }),
    ...(signal !== undefined && { signal }),
  });
  outgoing.once("response", resolve);
  outgoing.once("error", (cause) => {
    reject(
      new SelvedgeError("unavailable", `the registry cannot be reached: ${cause.message}`, {
        at: url.host,
        cause,
      }),
    );
  });
  if (body === undefined) outgoing.end();
  else pipeline(body, outgoing).catch(reject);
  return promise;
}

async function readAll(answer: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer) {
    length += chunk.length;
    if (length > bytesMax)
      throw new SelvedgeError("too_large", `the registry's answer has more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws SelvedgeError `unsupported` when a registry names none. */
function addressIn(text: string | undefined, registry: URL): URL {
  const address = text ? URL.parse(text, registry.href) : null;
  if (address !== null && /^https?:$/.test(address.protocol)) return address;
  throw notARegistry(registry, `it names the address "${(text ?? "").slice(0, 80)}"`);
}

/** @throws SelvedgeError `unsupported` when there is none in what a registry's token server answered. */
function tokenIn(bytes: Uint8Array, registry: URL): string {
  try {
    const { token, access_token: accessToken } = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const found: unknown = token ?? accessToken;
    if (typeof found === "string") return found;
  } catch {
    // Said below.
  }
  throw notARegistry(registry, "its token server answers without a token");
}

/** What an error's body says in words; registries write it in more than one form. */
function reasonIn(text: string): string | undefined {
  const [, told] = /"message"\s*:\s*("(?:[^"\\]|\\.){1,500}")/.exec(text) ?? [];
  try {
    return told && JSON.parse(told);
  } catch {
    return told;
  }
}

function anonymous(registry: URL): SelvedgeError {
  return refused(registry, 401, "it wants to know who calls");
}

function notARegistry({ host }: URL, why: string): SelvedgeError {
  return new SelvedgeError("unsupported", `it does not answer as registries do: ${why}`, {
    at: host,
    fix: "look whether this is the registry's address, and no proxy answers for it",
  });
}

function refused({ host }: URL, status: number, why: string): SelvedgeError {
  const code = statusCodes[status] ?? (status >= 500 ? "unavailable" : "failed_precondition");
  return new SelvedgeError(code, `the registry answered ${status}: ${why}`, { at: host });
}

function wrongBytes(digest: string): SelvedgeError {
  return new SelvedgeError("corrupt", "the registry answered other bytes than were asked for", {
    at: digest,
  });
}

const acceptedManifests = [
  mediaTypes.index,
  mediaTypes.manifest,
  mediaTypes.dockerIndex,
  mediaTypes.dockerManifest,
].join(", ");

const statusCodes: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
};
