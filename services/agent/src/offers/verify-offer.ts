import type { KeyObject } from "node:crypto";
import { decodeRoundConfig } from "@selvedge/learning";
import {
  type BlobReference,
  blobReferenceOf,
  type CheckedPlan,
  decodePlan,
  digestOf,
  keptModels,
  keyOfSignature,
  limits,
  namePattern,
  type Offer,
  type OfferFacts,
  SelvedgeError,
  scaledTable,
  sentBytes,
  sentModels,
  statisticsBytesBound,
  traitsOf,
  verifyPlan,
} from "@selvedge/protocol";

export interface VerifiedOffer {
  readonly facts: OfferFacts;
  readonly plan: CheckedPlan;
}

/**
 * Turns an offer from the wire into one that may be judged by the owner's
 * policy: the plan's hash is recomputed and its operator's signature verified
 * (SPEC OF1, OF2). Whether the owner allows this signer is for the policy to
 * say, whether the round key vouches for the base for the trust store.
 *
 * @param operatorKeys keys of the operators this device met when it enrolled.
 * @throws SelvedgeError `invalid_argument`, `corrupt`, `too_large` or `untrusted`.
 */
export function verifyOffer(offer: Offer, operatorKeys: readonly KeyObject[]): VerifiedOffer {
  if (!namePattern.test(offer.job))
    throw new SelvedgeError("invalid_argument", "the offer's job is not a name");
  const plan = decodePlan(offer.plan);
  if (plan.digest !== offer.planDigest) {
    throw new SelvedgeError(
      "untrusted",
      `the plan hashes to ${plan.digest}, the offer says ${offer.planDigest}`,
    );
  }
  const signature = offer.planSignature;
  if (signature === undefined) throw new SelvedgeError("untrusted", "the offer's plan is not signed");
  const carried = keyOfSignature(signature);
  verifyPlan(offer.plan, signature, carried === undefined ? operatorKeys : [...operatorKeys, carried]);
  const config = readConfig(offer);
  const base = blobReferenceOf(offer.baseModel, "offer.base_model");
  const facts: OfferFacts = {
    job: offer.job,
    round: offer.round,
    ...askedFor(offer, plan, base),
    ...controlOf(offer, plan),
    ...(plan.evaluate !== null && { task: "evaluate" }),
    ...(plan.train.loss === "custom" && { customLoss: true }),
    plan: Buffer.from(offer.plan).toString("base64"),
    planDigest: plan.digest,
    signer: signature.keyId,
    base,
    baseVersion: Number(offer.baseVersion),
    config,
    configDigest: offer.configDigest,
    cohort: offer.cohort,
    deadlineAt: Number(offer.deadlineAtMs),
  };
  return { facts, plan };
}

/** What the round is for, out of what the plan names. */
function askedFor(
  { phase }: Offer,
  { plan, table, train }: CheckedPlan,
  base: BlobReference,
): Pick<OfferFacts, "kind" | "answerBytes" | "keptBytes"> {
  const kept = keptModels(train);
  if (phase === "train" && plan.phases.includes(phase)) {
    const sent = sentModels(train);
    return {
      ...(sent > 1 && { answerBytes: sentBytes(sent, base.length) }),
      ...(kept > 0 && { keptBytes: kept * base.length }),
    };
  }
  if (phase === "evaluate" && plan.phases.includes(phase)) {
    return { kind: phase, answerBytes: limits.evaluationBytesMax };
  }
  if (phase === "statistics" && plan.phases.includes(phase) && table !== null) {
    return { kind: phase, answerBytes: statisticsBytesBound(table) };
  }
  throw new SelvedgeError("invalid_argument", `the plan has no phase "${phase.slice(0, 64)}"`, {
    at: "offer.phase",
  });
}

/** What the server has the device's corrections made with, where the plan's algorithm does. */
function controlOf({ phase, clientConfig }: Offer, plan: CheckedPlan): { readonly control?: BlobReference } {
  if (phase !== "train" || !traitsOf(plan.train.algorithm).broadcasts) return {};
  const { control } = decodeRoundConfig(clientConfig, scaledTable(plan), plan.train.algorithm);
  return control === null ? {} : { control };
}

function readConfig(offer: Offer): string {
  if (offer.clientConfig.length > limits.metadataBytesMax) {
    throw new SelvedgeError("too_large", "the offer's configuration is too large");
  }
  if (digestOf(offer.clientConfig) !== offer.configDigest) {
    throw new SelvedgeError("untrusted", "the offer's configuration does not match its digest");
  }
  return Buffer.from(offer.clientConfig).toString("utf8");
}
