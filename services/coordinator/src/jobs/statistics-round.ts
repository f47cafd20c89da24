import {
  type ColumnScaling,
  type ColumnStatistics,
  decodeStatistics,
  encodeStatistics,
  mergeStatistics,
  scaleColumns,
} from "@selvedge/learning";
import {
  type BlobReference,
  type CheckedPlan,
  type JobEffect,
  type Metrics,
  SelvedgeError,
  scaledTable,
  type TableSchema,
} from "@selvedge/protocol";
import type { BlobStore, BlobWorkspace } from "@selvedge/storage";

type Fold = Extract<JobEffect, { type: "fold" }>;

/** Adds what devices said of their columns; exact, so the order does not matter. */
export async function foldStatistics(
  effect: Fold,
  plan: CheckedPlan,
  blobs: BlobWorkspace,
): Promise<BlobReference> {
  const table = requireTable(plan);
  let sum = effect.accumulator && (await read(effect.accumulator, table, blobs));
  for (const { body, weight } of effect.contributions) {
    const one = decodeStatistics(await blobs.get(body.digest), table, weight);
    sum = sum === null ? one : mergeStatistics(sum, one);
  }
  if (sum === null) throw new SelvedgeError("internal", "a fold of no statistics");
  return blobs.put(encodeStatistics(sum));
}

/**
 * How the columns of a plan are scaled by what was gathered; null for a plan that gathers nothing.
 *
 * @param statistics absent before they are there
 */
export async function readScaling(
  plan: CheckedPlan,
  statistics: BlobReference | undefined,
  blobs: Pick<BlobStore, "get">,
): Promise<readonly ColumnScaling[] | null> {
  const table = scaledTable(plan);
  if (table === null || statistics === undefined) return null;
  return scaleColumns(table, await read(statistics, table, blobs));
}

/**
 * What is wrong with statistics that were handed in: "missing" when the bytes are not
 * here, a sentence for the device, or null (SPEC DS5).
 *
 * @param examples of which they are
 */
export async function problemWithStatistics(
  body: BlobReference,
  examples: number,
  metrics: Metrics,
  plan: CheckedPlan,
  blobs: BlobStore,
): Promise<string | null> {
  if (Object.keys(metrics).length > 0) return "statistics come without metrics";
  const stored = await blobs.stat(body.digest);
  if (stored === undefined) return "missing";
  if (stored.length !== body.length) return `the body has ${stored.length} bytes, not ${body.length}`;
  try {
    decodeStatistics(await blobs.get(body.digest), requireTable(plan), examples);
    return null;
  } catch (thrown) {
    const error = SelvedgeError.from(thrown);
    if (error.code === "internal") throw error;
    return error.message;
  }
}

/** What was added up may be of more examples than one device has. */
async function read(
  statistics: BlobReference,
  table: TableSchema,
  blobs: Pick<BlobStore, "get">,
): Promise<ColumnStatistics[]> {
  return decodeStatistics(await blobs.get(statistics.digest), table, Number.MAX_SAFE_INTEGER);
}

function requireTable(plan: CheckedPlan): TableSchema {
  const table = scaledTable(plan);
  if (table !== null) return table;
  throw new SelvedgeError("internal", "statistics for a plan that asks for none");
}
