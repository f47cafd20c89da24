import { type DeviceState, decodePlan } from "@selvedge/protocol";

/** Digests of every blob that a device's unfinished tasks need. */
export function blobsOf(state: DeviceState): string[] {
  return state.tasks.flatMap(({ offer, result }) => {
    const { model } = decodePlan(Buffer.from(offer.plan, "base64"));
    return [model.digest, offer.base.digest, ...(result === null ? [] : [result.body.digest])];
  });
}
