import { breakDownMetrics, combineMetrics } from "@selvedge/learning";
import type { JobEffect, Metrics, RoundFigures } from "@selvedge/protocol";
import type { DeviceSets } from "../identity/device-registry.ts";

/** What devices reported: of the whole cohort, spread over it, and of each group and tag (SPEC AG8, EV4). */
export function roundFigures(
  { metrics, weights }: Pick<Extract<JobEffect, { type: "combine" }>, "metrics" | "weights">,
  setsOf: (device: string) => DeviceSets,
): RoundFigures {
  const reports = Object.entries(metrics).map(([device, reported]: [string, Metrics]) => ({
    metrics: reported,
    weight: weights[device] ?? 0,
    ...setsOf(device),
  }));
  return { federated: combineMetrics(reports), breakdown: breakDownMetrics(reports) };
}
