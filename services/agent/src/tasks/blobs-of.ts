import { type DeviceState, decodePlan, keptOf } from "@selvedge/protocol";

/** Digests of every blob that a device's unfinished tasks need, and of what it keeps for jobs. */
export function blobsOf(state: DeviceState): string[] {
  const needed = state.tasks.flatMap(({ offer, result }) => {
    const { model } = decodePlan(Buffer.from(offer.plan, "base64"));
    return [model.digest, offer.base.digest, ...(result === null ? [] : [result.body.digest])];
  });
  return [...needed, ...keptOf(state).map(({ body }) => body.digest)];
}
