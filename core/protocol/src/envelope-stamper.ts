import { create } from "@bufbuild/protobuf";
import { type Envelope, EnvelopeSchema } from "./gen/selvedge/v1/envelope_pb.js";

/** What an envelope carries: one case of its `body`. */
export type EnvelopeBody = Exclude<Envelope["body"], { case: undefined }>;

export type Stamper = (to: string, body: EnvelopeBody, correlation?: string) => Envelope;

/**
 * Addresses and numbers the envelopes of one sender (SPEC SE3): sequences start
 * at 1 for each receiver, within the sender's epoch.
 */
export function createStamper(from: string, epoch: string): Stamper {
  const sequences = new Map<string, bigint>();
  return (to, body, correlation = "") => {
    const sequence = (sequences.get(to) ?? 0n) + 1n;
    sequences.set(to, sequence);
    return create(EnvelopeSchema, { from, to, epoch, stream: "main", sequence, correlation, body });
  };
}
