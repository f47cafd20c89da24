export type { Attack, Behaviour } from "./behaviour.ts";
export type { ClientData } from "./client-data.ts";
export { type Partition, type PartitionOptions, partitionData } from "./partition-data.ts";
export type { RoundPoint } from "./round-point.ts";
export { roundsCsv } from "./rounds-csv.ts";
export { simulate } from "./simulation.ts";
export type { SimulationOptions, SimulationResult } from "./simulation-options.ts";
