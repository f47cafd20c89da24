import { type BlobReference, isDigest, limits, SelvedgeError, type TableSchema } from "@selvedge/protocol";
import { decodeClientConfig, type EncodedClientConfig, encodeClientConfig } from "./client-config-codec.ts";
import type { JsonObject } from "./json-object.ts";
import { type ColumnScaling, parseScaling } from "./statistics/column-scaling.ts";

/** Beside the plan, all that a round's work on a device depends on; its digest stands in the offer. */
export interface RoundConfig {
  /** The aggregator's own; its `parseConfig` checks it. */
  readonly aggregator: unknown;
  /** How the columns of a table are scaled; null when they are not. */
  readonly scaling: readonly ColumnScaling[] | null;
  /** What the algorithm corrects local training with, a blob of the coordinator; null when nothing. */
  readonly control: BlobReference | null;
}

/** The aggregator's configuration, with what else there is around it. */
export function encodeRoundConfig(
  aggregator: JsonObject,
  scaling: readonly ColumnScaling[] | null,
  control: BlobReference | null = null,
): EncodedClientConfig {
  if (scaling === null && control === null) return encodeClientConfig(aggregator);
  return encodeClientConfig({
    aggregator,
    ...(scaling !== null && { scaling: scaling.map((column) => ({ ...column })) }),
    ...(control !== null && { control: { ...control } }),
  });
}

/**
 * @param scaled the plan's columns, when the plan's phases include "statistics"; else null
 * @param isControlled whether the plan's algorithm sends devices what they correct by
 * @throws SelvedgeError `too_large`, `corrupt`, or `invalid_argument` naming the field
 */
export function decodeRoundConfig(
  bytes: Uint8Array,
  scaled: TableSchema | null,
  isControlled: boolean = false,
): RoundConfig {
  const value = decodeClientConfig(bytes);
  if (scaled === null && !isControlled) return { aggregator: value, scaling: null, control: null };
  const { aggregator, scaling, control } = (value ?? {}) as Partial<Record<string, unknown>>;
  return {
    aggregator,
    scaling: scaled === null ? null : parseScaling(scaling, scaled),
    control: isControlled ? parseControl(control) : null,
  };
}

function parseControl(value: unknown): BlobReference {
  const { digest, length } = (value ?? {}) as Partial<Record<string, unknown>>;
  const isLength = typeof length === "number" && Number.isSafeInteger(length) && length > 0;
  if (typeof digest === "string" && isDigest(digest) && isLength && length <= limits.blobBytesMax)
    return { digest, length };
  throw new SelvedgeError("invalid_argument", "the control is no digest and length of a blob", {
    at: "offer: client_config.control",
  });
}
