import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { decodeSafetensors, parameterLayout, parseModel, writeParameters } from "@selvedge/onnx";
import {
  type BlobReference,
  blobReferenceOf,
  type Job,
  type JobOriginSchema,
  SelvedgeError,
} from "@selvedge/protocol";
import type { JobFile } from "../job-file/job-file.ts";
import type { StartingPoint } from "../job-file/starting-point.ts";
import { findModel } from "./find-model.ts";
import type { OperatorSession } from "./operator-session.ts";

/** What a job begins with, and what the coordinator is told of it. */
export interface FetchedStart extends StartingPoint {
  readonly origin: MessageInitShape<typeof JobOriginSchema>;
}

/**
 * Fetches whose weights a job begins with; null where it says nothing of it.
 *
 * @throws SelvedgeError `not_found` naming what there is, `untrusted` when bytes are not those of their digest
 */
export async function fetchStart(
  session: OperatorSession,
  { from }: Pick<JobFile, "from">,
  signal: AbortSignal,
): Promise<FetchedStart | null> {
  if (from === undefined) return null;
  return typeof from === "string"
    ? fetchRelease(session, from, signal)
    : fetchRound(session, from.job, from.round, signal);
}

async function fetchRelease(
  session: OperatorSession,
  reference: string,
  signal: AbortSignal,
): Promise<FetchedStart> {
  const { models } = await session.client.listModels({}, session.call);
  const { blob, name: model, version } = findModel(models, reference);
  const name = `${model}@${version}`;
  const bytes = await download(session, blobReferenceOf(blob, name), signal);
  return { name, bytes, origin: { kind: { case: "release", value: { model, version } } } };
}

async function fetchRound(
  session: OperatorSession,
  id: string,
  asked: number | undefined,
  signal: AbortSignal,
): Promise<FetchedStart> {
  const { job, plan } = await session.client.getJob({ job: id }, session.call);
  const { round, weights } = checkpointOf(job, id, asked);
  const name = `round ${round} of job ${id}`;
  const file = await download(session, blobReferenceOf(plan?.model, name), signal);
  const layout = parameterLayout(parseModel(file));
  const flat = decodeSafetensors(await download(session, weights, signal), layout);
  const bytes = writeParameters(file, layout, flat);
  return { name, bytes, origin: { kind: { case: "round", value: { job: id, round } } } };
}

/** The newest, when none is asked for. */
function checkpointOf(
  job: Job | undefined,
  id: string,
  asked: number | undefined,
): { readonly round: number; readonly weights: BlobReference } {
  const kept = job?.checkpoints ?? [];
  const found = asked === undefined ? kept.at(-1) : kept.find(({ round }) => round === asked);
  if (found !== undefined)
    return { round: found.round, weights: blobReferenceOf(found.weights, `job ${id}: checkpoint`) };
  const rounds = kept.map(({ round }) => round).join(", ");
  throw new SelvedgeError("not_found", `job ${id} has no weights of round ${asked ?? "any"}`, {
    at: "from",
    fix:
      kept.length === 0
        ? "wait until a round is completed"
        : `there are those of ${rounds}; say keepEvery in a job file to keep more`,
  });
}

async function download(
  { blobs }: OperatorSession,
  blob: BlobReference,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(blob.length);
  await blobs.download(blob, 0, async (offset, chunk) => bytes.set(chunk, offset), signal);
  const actual = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (actual === blob.digest) return bytes;
  throw new SelvedgeError("untrusted", `the bytes that came have ${actual}, not ${blob.digest}`, {
    fix: "run the command again; if it lasts, find out who changes the bytes on their way",
  });
}
