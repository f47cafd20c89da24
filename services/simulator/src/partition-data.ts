import {
  type Dataset,
  type DatasetSource,
  dirichletPartition,
  iidPartition,
  openDataset,
  planReading,
  shardsPartition,
} from "@selvedge/datasets";
import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";
import type { ClientData } from "./client-data.ts";

/** How data is dealt out to virtual clients. */
export type Partition =
  | { readonly kind: "iid" }
  /** Sorted by class and cut; each client has so many pieces. */
  | { readonly kind: "shards"; readonly perClient: number }
  /** Each client its own mixture of classes. */
  | { readonly kind: "dirichlet"; readonly alpha: number; readonly minimumPerClient: number }
  /** Each file is a client's. */
  | { readonly kind: "by-file" };

export interface PartitionOptions {
  readonly plan: CheckedPlan;
  readonly sources: readonly DatasetSource[];
  readonly partition: Partition;
  /** By file there are as many as files. */
  readonly clients: number;
  readonly seed: number;
}

/**
 * @throws SelvedgeError `invalid_argument` for a partition that this data does not have, and as
 *   `openDataset` and the partitions throw
 */
export async function partitionData(options: PartitionOptions): Promise<ClientData[]> {
  const { partition, plan, sources } = options;
  if (partition.kind === "by-file") return sources.map((source) => ({ source }));
  const [source, second] = sources;
  if (source === undefined || second !== undefined) {
    throw new SelvedgeError(
      "invalid_argument",
      `${sources.length} files to be dealt out by ${partition.kind}`,
      {
        at: "data",
        fix: "give one file, or have each file be a client: --partition by-file",
      },
    );
  }
  const dataset = await openDataset(source, planReading(plan));
  return rowsOf(dataset, partition, options).map((rows) => ({ source, rows }));
}

function rowsOf(
  dataset: Dataset,
  partition: Exclude<Partition, { readonly kind: "by-file" }>,
  { clients: parts, seed }: PartitionOptions,
): Int32Array[] {
  switch (partition.kind) {
    case "iid":
      return iidPartition({ length: dataset.length, parts, seed });
    case "shards":
      return shardsPartition({
        labels: classesOf(dataset).labels,
        parts,
        shardsPerPart: partition.perClient,
        seed,
      });
    case "dirichlet": {
      const { alpha, minimumPerClient: minimumPerPart } = partition;
      return dirichletPartition({ ...classesOf(dataset), parts, alpha, seed, minimumPerPart });
    }
  }
}

function classesOf({ targets }: Dataset): { readonly labels: Int32Array; readonly classes: number } {
  if (targets.kind === "class" && targets.shape.length === 0) {
    return { labels: targets.values, classes: targets.classes };
  }
  throw new SelvedgeError("invalid_argument", "examples of no single class cannot be dealt out by class", {
    at: "partition",
    fix: "use iid or by-file",
  });
}
