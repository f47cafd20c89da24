import { create } from "@bufbuild/protobuf";
import {
  type JobState,
  type Offer,
  OfferSchema,
  type OperatorSignature,
  type RoundState,
} from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";

export interface OfferParts {
  readonly job: string;
  readonly state: JobState;
  readonly round: RoundState;
  readonly signature: OperatorSignature;
  /** Signed by the round key; vouches for the base weights. */
  readonly roundMetadata: Uint8Array;
}

/** The message that invites a device; the same for all of a cohort. */
export async function buildOffer(parts: OfferParts, blobs: BlobStore): Promise<Offer> {
  const { job, state, round } = parts;
  const { weights, version } = state.base;
  return create(OfferSchema, {
    job,
    round: round.number,
    plan: await blobs.get(state.plan.body.digest),
    planDigest: state.plan.digest,
    planSignature: parts.signature,
    baseModel: { digest: weights.digest, length: BigInt(weights.length) },
    baseVersion: BigInt(version),
    roundMetadata: parts.roundMetadata,
    clientConfig: await blobs.get(round.config.digest),
    configDigest: round.configDigest,
    cohort: Object.keys(round.members).length,
    deadlineAtMs: BigInt(round.deadlineAt),
    phase: round.kind ?? "train",
  });
}
