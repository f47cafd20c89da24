import { type DatasetSource, type DatasetWish, datasetMismatch, describeDataset } from "@selvedge/datasets";
import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";

/**
 * Why this device's data is not what a plan asks for, in words that the operator
 * sees: with both shapes, and without anything of what is in it; null when it is.
 */
export async function datasetProblem(
  datasets: ReadonlyMap<string, DatasetSource>,
  wish: DatasetWish,
): Promise<string | null> {
  const source = datasets.get(wish.name);
  if (source === undefined) return `this device has no dataset "${wish.name}"`;
  try {
    return datasetMismatch(wish, await describeDataset(source));
  } catch (thrown) {
    const { code } = SelvedgeError.from(thrown);
    return `dataset "${wish.name}" cannot be read: ${meanings.get(code) ?? code}`;
  }
}

/** Instead of an error's own words, which may tell where data lies and what is in it. */
const meanings: ReadonlyMap<ErrorCode, string> = new Map([
  ["not_found", "its file is not there"],
  ["permission_denied", "the agent may not open its file"],
  ["corrupt", "its file is damaged or in another format"],
]);
