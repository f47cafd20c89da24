import { decodeLosses, encodeLosses, rememberLosses } from "@selvedge/learning";
import type { BlobReference, CheckedPlan, JobEffect } from "@selvedge/protocol";
import type { BlobStore, BlobWorkspace } from "@selvedge/storage";

/** What devices told last of their losses; nothing before the first round that does. */
export async function readLosses(
  stored: BlobReference | undefined,
  blobs: Pick<BlobStore, "get">,
): Promise<ReadonlyMap<string, number>> {
  return stored === undefined ? new Map() : decodeLosses(await blobs.get(stored.digest));
}

/** The same with those of a round, where the plan selects by them. */
export async function storeLosses(
  { losses, metrics }: Pick<Extract<JobEffect, { type: "finalise" }>, "losses" | "metrics">,
  { plan }: CheckedPlan,
  blobs: BlobWorkspace,
): Promise<{ readonly losses?: BlobReference }> {
  if (plan.schedule?.selection?.name !== "loss") return {};
  const told = Object.entries(metrics).map(([device, { train_loss: loss }]) => [device, loss] as const);
  const next = rememberLosses(await readLosses(losses, blobs), Object.fromEntries(told));
  return { losses: await blobs.put(encodeLosses(next)) };
}
