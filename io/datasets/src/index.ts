export type { Dataset, DatasetSource, IdxSource } from "./dataset.ts";
export { type DirichletPartitionOptions, dirichletPartition } from "./dirichlet-partition.ts";
export { encodeIdx, type IdxArray, parseIdx } from "./idx.ts";
export { openDataset } from "./open-dataset.ts";
export { reshapeExamples } from "./reshape-examples.ts";
export { type PartitionTarget, writePartition } from "./write-partition.ts";
