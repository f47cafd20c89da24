import { SelvedgeError } from "@selvedge/protocol";
import type { ClientAlgorithm, ServerAlgorithm } from "./algorithms/algorithm.ts";
import { fedDynClient, fedDynServer } from "./algorithms/fed-dyn.ts";
import { scaffoldClient, scaffoldServer } from "./algorithms/scaffold.ts";
import type { ServerOptimizer } from "./server-optimizers/server-optimizer.ts";

/** What a plan says of its algorithm. */
export interface PlannedAlgorithm {
  /** "fedavg" and "fedavg.2" are plain averaging. */
  readonly algorithm: string;
  /** Devices that may ever take part, of scaffold and feddyn. */
  readonly population: number;
  /** Of feddyn. */
  readonly alpha?: number | undefined;
}

/** The device half; null for plain averaging, which keeps nothing. @throws SelvedgeError `not_found` */
export function clientAlgorithm({
  algorithm,
  alpha = 0,
}: Pick<PlannedAlgorithm, "algorithm" | "alpha">): ClientAlgorithm | null {
  switch (algorithm) {
    case "fedavg":
    case "fedavg.2":
      return null;
    case "scaffold":
      return scaffoldClient;
    case "feddyn":
      return fedDynClient(alpha);
    default:
      throw unknown(algorithm);
  }
}

/** The server's half, around the plan's server optimizer. @throws SelvedgeError `not_found` */
export function serverAlgorithm(
  { algorithm, population }: PlannedAlgorithm,
  optimizer: ServerOptimizer,
): ServerAlgorithm {
  switch (algorithm) {
    case "fedavg":
    case "fedavg.2":
      return { ...optimizer, broadcast: () => null };
    case "scaffold":
      return scaffoldServer(optimizer, population);
    case "feddyn":
      return fedDynServer(population);
    default:
      throw unknown(algorithm);
  }
}

function unknown(algorithm: string): SelvedgeError {
  return new SelvedgeError("not_found", `no algorithm "${algorithm}"`, {
    at: "plan.task.algorithm",
    fix: "use one of: fedavg, fedavg.2, scaffold, feddyn",
  });
}
