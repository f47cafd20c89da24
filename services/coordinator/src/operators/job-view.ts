import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type BlobReference,
  checkpointsOf,
  type Job,
  type JobOriginSchema,
  JobSchema,
  type JobState,
  type Member,
  type RoundSchema,
  type RoundState,
  type RoundSummary,
  type WeightsOrigin,
} from "@selvedge/protocol";

type RoundInit = MessageInitShape<typeof RoundSchema>;

/** A job as operators see it: its state and all its rounds. */
export function jobView(id: string, state: JobState, archived: readonly RoundSummary[]): Job {
  const { plan, current, last } = state;
  // The archive may be one round behind the state.
  const rounds = [
    ...archived.filter((round) => round.number !== last?.number),
    ...(last === null ? [] : [last]),
  ];
  return create(JobSchema, {
    id,
    name: plan.name,
    status: state.status,
    reason: state.reason ?? "",
    rounds: plan.rounds,
    roundsCompleted: state.roundsCompleted,
    createdAtMs: BigInt(state.createdAt),
    endedAtMs: BigInt(state.endedAt ?? 0),
    planDigest: plan.digest,
    signer: plan.signer,
    weights: blobRef(state.base.weights),
    history: rounds.map(endedRound),
    checkpoints: checkpointsOf(state).map(({ round, weights }) => ({ round, weights: blobRef(weights) })),
    ...(plan.origin !== undefined && { origin: originView(plan.origin) }),
    ...(state.model === null ? {} : { model: blobRef(state.model) }),
    ...(current === null ? {} : { current: openRound(current) }),
  });
}

function originView(origin: WeightsOrigin): MessageInitShape<typeof JobOriginSchema> {
  if (origin.kind === "round")
    return { kind: { case: "round", value: { job: origin.job, round: origin.round } } };
  const { model, version } = origin;
  return { kind: { case: "release", value: { model, version: BigInt(version) } } };
}

export function blobRef(reference: BlobReference): { digest: string; length: bigint } {
  return { digest: reference.digest, length: BigInt(reference.length) };
}

function endedRound(round: RoundSummary): RoundInit {
  return {
    number: round.number,
    phase: round.kind ?? "train",
    status: round.status,
    reason: round.reason ?? "",
    openedAtMs: BigInt(round.openedAt),
    closedAtMs: BigInt(round.closedAt),
    participants: participants(round.members),
    modelVersion: BigInt(round.modelVersion),
    evaluation: { ...round.evaluation },
    federated: { ...round.federated },
    measurements: { ...round.measurements },
    ...breakdown(round),
    bytesUp: BigInt(round.bytesUp),
    bytesDown: BigInt(round.bytesDown),
  };
}

function breakdown({ breakdown }: RoundSummary): Pick<RoundInit, "spread" | "groups"> {
  if (breakdown === undefined) return {};
  const { groups, spread } = breakdown;
  return {
    spread: { ...spread },
    groups: groups.map(({ metrics, ...group }) => ({ ...group, metrics: { ...metrics } })),
  };
}

function openRound(round: RoundState): RoundInit {
  return {
    number: round.number,
    phase: round.kind ?? "train",
    status: round.phase === "collecting" ? "collecting" : "aggregating",
    openedAtMs: BigInt(round.openedAt),
    participants: participants(round.members),
    bytesUp: BigInt(round.bytesUp),
  };
}

function participants(members: {
  readonly [device: string]: Member;
}): NonNullable<RoundInit["participants"]> {
  return Object.entries(members).map(([device, member]) => ({
    device,
    status: member.status,
    reason: member.reason ?? "",
    weight: member.weight,
  }));
}
