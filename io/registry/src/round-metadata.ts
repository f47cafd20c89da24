import { type BlobReference, limits, namePattern, SelvedgeError } from "@selvedge/protocol";
import { type Metadata, TargetFile, Targets } from "@tufjs/models";
import { targetToBlob } from "./release.ts";
import type { SigningKey } from "./release-keys.ts";
import {
  checkFresh,
  checkSignatures,
  isoTime,
  parseTargets,
  signMetadata,
  specVersion,
  untrusted,
} from "./signed-metadata.ts";

/** Name of the terminating delegation that vouches for models to train from. */
export const roundRole = "rounds";
export const roundPaths: readonly string[] = ["rounds/*/*"];

/** Trusted targets metadata, as far as it says who signs rounds. Made by `TrustStore.roundDelegation`. */
export interface RoundDelegation {
  readonly targets: Metadata<Targets>;
}

export interface RoundModel {
  readonly job: string;
  /** From 0. */
  readonly round: number;
  readonly weights: BlobReference;
  /** When devices stop training from it, ms since 1970. */
  readonly expires: number;
}

export interface ExpectedRound {
  readonly job: string;
  readonly round: number;
  readonly base: BlobReference;
  readonly delegation: RoundDelegation;
  /** ms since 1970. */
  readonly now: number;
}

/**
 * Signs what one round trains from: a TUF delegated targets document with the
 * one target `rounds/<job>/<round>`. It travels in the offer and is in no
 * snapshot (ADR 0001): its freshness is the job and round it names.
 *
 * @throws SelvedgeError `invalid_argument` when job or round cannot stand in a path.
 */
export function signRound(model: RoundModel, roundKey: SigningKey): Uint8Array {
  const target = new TargetFile({
    path: roundPath(model.job, model.round),
    length: model.weights.length,
    hashes: { sha256: model.weights.digest.slice("sha256:".length) },
  });
  const signed = new Targets({
    specVersion,
    version: 1,
    expires: isoTime(model.expires),
    targets: { [target.path]: target },
  });
  return signMetadata(signed, [roundKey]);
}

/**
 * Checks that the round key vouches for `base` as what this round trains from.
 *
 * @throws SelvedgeError `untrusted`, with the reason.
 */
export function verifyRound(bytes: Uint8Array, expected: ExpectedRound): void {
  const path = roundPath(expected.job, expected.round);
  const at = `round metadata of ${path}`;
  if (bytes.length > limits.roundMetadataBytesMax) {
    throw untrusted(`it is larger than ${limits.roundMetadataBytesMax} bytes`, at);
  }
  const document = parseTargets(bytes, at);
  checkSignatures(expected.delegation.targets, roundRole, document, at);
  if (expected.delegation.targets.signed.delegations?.roles?.[roundRole]?.isDelegatedPath(path) !== true) {
    throw untrusted(`the release key lets no round key vouch for "${path}"`, at);
  }
  checkFresh(document.signed, expected.now, at);
  const target = document.signed.targets[path];
  if (target === undefined) throw untrusted("it vouches for another job or round", at);
  const blob = targetToBlob(target, at);
  if (blob.digest !== expected.base.digest || blob.length !== expected.base.length) {
    throw untrusted(`it vouches for ${blob.digest}, and the offer has ${expected.base.digest}`, at);
  }
}

function roundPath(job: string, round: number): string {
  if (!namePattern.test(job) || !Number.isSafeInteger(round) || round < 0) {
    throw new SelvedgeError("invalid_argument", `no round "${round}" of a job "${job.slice(0, 80)}"`, {
      at: "round metadata",
      fix: "give a job name and a whole round number from 0",
    });
  }
  return `rounds/${job}/${round}`;
}
