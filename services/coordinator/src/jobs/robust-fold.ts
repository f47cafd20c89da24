import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import {
  type Accumulator,
  type Aggregator,
  aggregateRobustly,
  encodeAccumulator,
  type RobustRule,
  readBits,
  type StoredUpdates,
} from "@selvedge/learning";
import {
  mapSafetensors,
  type ParameterLayout,
  type SafetensorsMap,
  safetensorsHeadBytes,
  safetensorsRanges,
} from "@selvedge/onnx";
import {
  type AcceptedContribution,
  type BlobReference,
  type JobEvent,
  SelvedgeError,
} from "@selvedge/protocol";
import type { BlobWorkspace } from "@selvedge/storage";
import type { UpdateReading } from "./read-update.ts";

type Folded = Extract<JobEvent, { type: "folded" }>;

/**
 * Combines all contributions of a round by a robust rule and stores what it made of them. They are
 * read block by block where they lie: in memory is what `RobustRule` says.
 *
 * @throws SelvedgeError as `aggregateRobustly`, and `corrupt` for a contribution that changed on disk
 */
export async function foldAtOnce(
  contributions: readonly AcceptedContribution[],
  rule: RobustRule,
  { aggregator, round, sent }: UpdateReading,
  blobs: BlobWorkspace,
): Promise<Pick<Folded, "accumulator" | "leftOut">> {
  const updates = await storedUpdates(contributions, sent, blobs);
  const { result, rejected, measurements } = await aggregateRobustly(rule, updates);
  const combined = encodeAccumulator({
    format: "combined",
    ...{ configDigest: round.configDigest, baseVersion: round.baseVersion },
    contributors: contributions.map(({ device }) => device).sort(),
    weight: contributions.reduce((sum, { weight }) => sum + weight, 0),
    sum: result,
    ...countsOf(contributions, aggregator),
    measurements: { ...measurements, leftOut: rejected.length },
  });
  return { accumulator: await blobs.put(combined), ...(rejected.length > 0 && { leftOut: rejected }) };
}

/** How many answered each question of the blocks in front of the rule with yes. */
function countsOf(
  contributions: readonly AcceptedContribution[],
  aggregator: Aggregator,
): Pick<Accumulator, "counts"> {
  if (aggregator.bits.length === 0) return {};
  const answers = contributions.map(({ bits = {} }) => readBits(aggregator, bits));
  return { counts: aggregator.bits.map((_, index) => answers.filter((bits) => bits[index] === true).length) };
}

async function storedUpdates(
  contributions: readonly AcceptedContribution[],
  layout: ParameterLayout,
  blobs: BlobWorkspace,
): Promise<StoredUpdates> {
  const files = new Map<string, StoredFile>();
  for (const { device, body } of contributions) {
    await verify(body, blobs);
    files.set(device, { body, map: await readMap(body, layout, blobs) });
  }
  return {
    contributions,
    parameters: layout.length,
    read: (device, offset, into) => read(files.get(device), layout, offset, into, blobs),
    pause: () => setImmediate(),
  };
}

interface StoredFile {
  readonly body: BlobReference;
  readonly map: SafetensorsMap;
}

async function read(
  file: StoredFile | undefined,
  layout: ParameterLayout,
  offset: number,
  into: Float32Array,
  blobs: BlobWorkspace,
): Promise<void> {
  if (file === undefined) throw new SelvedgeError("internal", "an update that nobody contributed is read");
  const target = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  let at = 0;
  for (const { start, end } of safetensorsRanges(file.map, layout, offset, into.length)) {
    for await (const chunk of blobs.stream(file.body.digest, start, end)) {
      target.set(chunk, at);
      at += chunk.length;
    }
  }
}

async function readMap(
  { digest, length }: BlobReference,
  layout: ParameterLayout,
  blobs: BlobWorkspace,
): Promise<SafetensorsMap> {
  const first = await readBytes(digest, Math.min(8, length), blobs);
  return mapSafetensors(await readBytes(digest, safetensorsHeadBytes(first, length), blobs), length, layout);
}

async function readBytes(
  digest: BlobReference["digest"],
  length: number,
  blobs: BlobWorkspace,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.stream(digest, 0, length)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A blob is verified when it is read whole, and these are not. */
async function verify({ digest, length }: BlobReference, blobs: BlobWorkspace): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of blobs.stream(digest, 0, length)) hash.update(chunk);
  if (`sha256:${hash.digest("hex")}` === digest) return;
  throw new SelvedgeError("corrupt", "a contribution has changed since it was accepted", { at: digest });
}
