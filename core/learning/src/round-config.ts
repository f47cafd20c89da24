import {
  type BlobReference,
  isDigest,
  limits,
  SelvedgeError,
  type TableSchema,
  traitsOf,
} from "@selvedge/protocol";
import { lossScaleMax } from "./algorithms/algorithm.ts";
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
  /** What devices divide losses by; null when they do not. */
  readonly lossScale: number | null;
}

/** The aggregator's configuration, with what else there is around it. */
export function encodeRoundConfig(
  aggregator: JsonObject,
  scaling: readonly ColumnScaling[] | null,
  control: BlobReference | null = null,
  lossScale: number | null = null,
): EncodedClientConfig {
  if (scaling === null && control === null && lossScale === null) return encodeClientConfig(aggregator);
  return encodeClientConfig({
    aggregator,
    ...(scaling !== null && { scaling: scaling.map((column) => ({ ...column })) }),
    ...(control !== null && { control: { ...control } }),
    ...(lossScale !== null && { lossScale }),
  });
}

/**
 * @param scaled the plan's columns, when the plan's phases include "statistics"; else null
 * @param algorithm of the plan; absent where nothing is trained
 * @throws SelvedgeError `too_large`, `corrupt`, or `invalid_argument` naming the field
 */
export function decodeRoundConfig(
  bytes: Uint8Array,
  scaled: TableSchema | null,
  algorithm: string = "",
): RoundConfig {
  const value = decodeClientConfig(bytes);
  const { broadcasts, measures } = traitsOf(algorithm);
  const isScaled = measures === "loss";
  const nothing = { scaling: null, control: null, lossScale: null };
  if (scaled === null && !broadcasts && !isScaled) return { aggregator: value, ...nothing };
  const { aggregator, scaling, control, lossScale } = (value ?? {}) as Partial<Record<string, unknown>>;
  return {
    aggregator,
    scaling: scaled === null ? null : parseScaling(scaling, scaled),
    control: broadcasts ? parseControl(control) : null,
    lossScale: isScaled ? parseLossScale(lossScale) : null,
  };
}

function parseLossScale(value: unknown): number {
  if (typeof value === "number" && value > 0 && value <= lossScaleMax) return value;
  throw new SelvedgeError(
    "invalid_argument",
    `the scale of losses is no number above 0 and at most ${lossScaleMax}`,
    {
      at: "offer: client_config.lossScale",
    },
  );
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
