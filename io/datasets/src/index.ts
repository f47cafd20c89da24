export type {
  CsvSource,
  Dataset,
  DatasetDescription,
  DatasetSource,
  IdxSource,
  JsonLinesSource,
  NpySource,
  NpzSource,
} from "./dataset.ts";
export { type DatasetWish, datasetMismatch } from "./dataset-mismatch.ts";
export { type DirichletPartitionOptions, dirichletPartition } from "./dirichlet-partition.ts";
export { encodeIdx } from "./idx.ts";
export { mapPaths } from "./map-paths.ts";
export { describeDataset, openDataset } from "./open-dataset.ts";
export { reshapeExamples } from "./reshape-examples.ts";
export { isSameLayout } from "./same-layout.ts";
export { type PartitionTarget, writePartition } from "./write-partition.ts";
