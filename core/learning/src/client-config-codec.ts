import { type Digest, digestOf, limits, SelvedgeError } from "@selvedge/protocol";
import type { JsonObject } from "./json-object.ts";

/** The configuration of an aggregator's device half as it travels with an offer. */
export interface EncodedClientConfig {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/** JSON with sorted keys, so that equal configurations have equal digests. */
export function encodeClientConfig(config: JsonObject): EncodedClientConfig {
  const bytes = new TextEncoder().encode(JSON.stringify(config, sortedKeys));
  return { bytes, digest: digestOf(bytes) };
}

/**
 * The JSON alone; the aggregator's `parseConfig` checks what it says.
 *
 * @throws SelvedgeError `too_large` or `corrupt`
 */
export function decodeClientConfig(bytes: Uint8Array): unknown {
  const at = "offer: client_config";
  if (bytes.length > limits.clientConfigBytesMax) {
    throw new SelvedgeError("too_large", `${bytes.length} bytes, at most ${limits.clientConfigBytesMax}`, {
      at,
    });
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SelvedgeError("corrupt", "the client configuration is not JSON", { at, cause });
  }
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
