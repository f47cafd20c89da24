import type { DeployedModel } from "../deployed-model.ts";

/** One version of a model that could be served. */
export interface RepositoryEntry {
  readonly name: string;
  readonly version: string;
}

/** Where models come from that callers may load. */
export interface ModelRepository {
  /** All there is, by name, the oldest version first. */
  list(): Promise<readonly RepositoryEntry[]>;
  /** @throws SelvedgeError `not_found` when there is no such version any more */
  find(entry: RepositoryEntry): Promise<DeployedModel>;
}
