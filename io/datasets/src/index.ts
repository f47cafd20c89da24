export {
  type ClassTargets,
  type CsvSource,
  classTargets,
  type Dataset,
  type DatasetDescription,
  type DatasetReading,
  type DatasetSource,
  type DatasetWish,
  type IdxSource,
  type JsonLinesSource,
  type LabelledIdxSource,
  type NpySource,
  type NpzSource,
  type Targets,
  type TextSource,
} from "./dataset.ts";
export { datasetMismatch } from "./dataset-mismatch.ts";
export { type DirichletPartitionOptions, dirichletPartition } from "./dirichlet-partition.ts";
export { encodeIdx } from "./idx.ts";
export { type IidPartitionOptions, iidPartition } from "./iid-partition.ts";
export { mapPaths } from "./map-paths.ts";
export { describeDataset, openClassDataset, openDataset } from "./open-dataset.ts";
export { classReading, datasetWish, planReading } from "./plan-reading.ts";
export { reshapeExamples } from "./reshape-examples.ts";
export { isSameLayout } from "./same-layout.ts";
export { type ShardsPartitionOptions, shardsPartition } from "./shards-partition.ts";
export { type PartitionTarget, writePartition } from "./write-partition.ts";
