import { type DeviceState, decodePlan, keptOf, taskBlobs } from "@selvedge/protocol";

/** Digests of every blob that a device's unfinished tasks need, and of what it keeps for jobs. */
export function blobsOf(state: DeviceState): string[] {
  const needed = state.tasks.flatMap((task) => {
    const { model } = decodePlan(Buffer.from(task.offer.plan, "base64"));
    return [model.digest, ...taskBlobs(task)];
  });
  return [...needed, ...keptOf(state).map(({ body }) => body.digest)];
}
