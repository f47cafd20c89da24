import { SelvedgeError } from "@selvedge/protocol";
import type { TlsSource } from "./gateway-client.ts";
import { httpExchange, refusal, responseBody } from "./http-exchange.ts";
import { createHttpsAgents } from "./https-agents.ts";

/** Small documents of a gateway, each read whole. */
export interface HttpDocuments {
  /**
   * @param path absolute, such as "/v1/releases/root.json".
   * @returns undefined when there is no such document.
   * @throws SelvedgeError `too_large` past `bytesMax`, `unavailable`, or what the gateway refuses with.
   */
  get(path: string, bytesMax: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
  close(): void;
}

export interface HttpDocumentsOptions {
  /** "https://host:port" of the coordinator. */
  readonly url: string;
  readonly tls: TlsSource;
  /** A connection on which nothing moves for longer is cut, milliseconds; default 30 s. */
  readonly stallTimeoutMs?: number;
}

export function createHttpDocuments(options: HttpDocumentsOptions): HttpDocuments {
  const { stallTimeoutMs = 30_000 } = options;
  const url = new URL(options.url);
  const agents = createHttpsAgents(url, options.tls);
  return {
    async get(path, bytesMax, signal) {
      const response = await httpExchange(
        { url, agent: agents.current(), headers: {}, stallTimeoutMs },
        { method: "GET", path, signal },
      );
      if (response.statusCode === 404) {
        await refusal(response, url, path);
        return undefined;
      }
      if (response.statusCode !== 200) throw await refusal(response, url, path);
      return readWhole(responseBody(response, url), bytesMax, path);
    },
    close: () => agents.close(),
  };
}

async function readWhole(body: AsyncIterable<Uint8Array>, bytesMax: number, at: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new SelvedgeError("too_large", `more than ${bytesMax} bytes`, { at });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
