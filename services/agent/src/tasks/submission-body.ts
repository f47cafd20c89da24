import { create } from "@bufbuild/protobuf";
import {
  ContributionSchema,
  type EnvelopeBody,
  type OfferFacts,
  SubmissionSchema,
  type TrainingResult,
} from "@selvedge/protocol";

/** The word that a result's bytes are there, and what they are. */
export function submissionBody(
  deviceId: string,
  offer: OfferFacts,
  result: TrainingResult,
): Extract<EnvelopeBody, { readonly case: "submission" }> {
  const contribution = create(ContributionSchema, {
    format: offer.kind === "evaluate" ? "evaluation" : (offer.kind ?? result.format ?? "f32"),
    contributors: [deviceId],
    baseVersion: BigInt(offer.baseVersion),
    weight: result.weight,
    planDigest: offer.planDigest,
    configDigest: offer.configDigest,
    body: { digest: result.body.digest, length: BigInt(result.body.length) },
    metrics: { ...result.metrics },
    bits: { ...result.bits },
  });
  const value = create(SubmissionSchema, { job: offer.job, round: offer.round, contribution });
  return { case: "submission", value };
}
