import { RemoteRepository } from "@selvedge/registry";
import type { OperatorSession } from "./operator-session.ts";

/** Where the coordinator looks for what models run on. */
export function runtimeRepository({ registry }: OperatorSession): RemoteRepository {
  return new RemoteRepository(registry, "selvedge/runtime");
}
