import {
  type CheckedPlan,
  invitedMax,
  isRobust,
  SelvedgeError,
  sentBytes,
  sentModels,
} from "@selvedge/protocol";

/**
 * Refuses a job whose robust rule needs more updates at once than the disk has room for (SPEC RA3).
 *
 * @param base bytes of the model's parameters as a file
 * @throws SelvedgeError `resource_exhausted` with both figures
 */
export async function checkDisk(
  { plan, train, evaluate }: CheckedPlan,
  base: number,
  diskBytesFree: () => Promise<number>,
): Promise<void> {
  const name = plan.aggregator?.name ?? "";
  if (!isRobust(name) || evaluate !== null) return;
  const invited = plan.schedule === undefined ? 0 : invitedMax(plan.schedule);
  const needed = invited * sentBytes(sentModels(train), base);
  const free = await diskBytesFree();
  if (needed <= free) return;
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  throw new SelvedgeError(
    "resource_exhausted",
    `${name} keeps the updates of a round until all are there: of ${invited} devices these are ` +
      `${megabytes(needed)}, and ${megabytes(free)} are free on the coordinator's disk`,
    { at: "plan.aggregator", fix: "ask a smaller cohort, make room, or leave `aggregator` out" },
  );
}
