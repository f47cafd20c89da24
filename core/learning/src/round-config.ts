import type { TableSchema } from "@selvedge/protocol";
import { decodeClientConfig, type EncodedClientConfig, encodeClientConfig } from "./client-config-codec.ts";
import type { JsonObject } from "./json-object.ts";
import { type ColumnScaling, parseScaling } from "./statistics/column-scaling.ts";

/** Beside the plan, all that a round's work on a device depends on; its digest stands in the offer. */
export interface RoundConfig {
  /** The aggregator's own; its `parseConfig` checks it. */
  readonly aggregator: unknown;
  /** How the columns of a table are scaled; null when they are not. */
  readonly scaling: readonly ColumnScaling[] | null;
}

/** The aggregator's configuration, with the scaling around it where there is one. */
export function encodeRoundConfig(
  aggregator: JsonObject,
  scaling: readonly ColumnScaling[] | null,
): EncodedClientConfig {
  if (scaling === null) return encodeClientConfig(aggregator);
  return encodeClientConfig({ aggregator, scaling: scaling.map((column) => ({ ...column })) });
}

/**
 * @param scaled the plan's columns, when the plan's phases include "statistics"; else null
 * @throws SelvedgeError `too_large`, `corrupt`, or `invalid_argument` naming the field
 */
export function decodeRoundConfig(bytes: Uint8Array, scaled: TableSchema | null): RoundConfig {
  const value = decodeClientConfig(bytes);
  if (scaled === null) return { aggregator: value, scaling: null };
  const { aggregator, scaling } = (value ?? {}) as Partial<Record<string, unknown>>;
  return { aggregator, scaling: parseScaling(scaling, scaled) };
}
