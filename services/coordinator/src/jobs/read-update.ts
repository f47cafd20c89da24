import type { Aggregator, SumRound } from "@selvedge/learning";
import { decodeSafetensors, type ParameterLayout } from "@selvedge/onnx";

/** How what devices of a round send is read. */
export interface UpdateReading {
  readonly aggregator: Aggregator;
  readonly round: SumRound;
  /** Of what a device sends. */
  readonly sent: ParameterLayout;
}

/**
 * An update's values, in layout order.
 *
 * @throws SelvedgeError `corrupt`, `unsupported` or `out_of_range` for bytes that are no update of this round
 */
export function readUpdate(bytes: Uint8Array, { aggregator, round, sent }: UpdateReading): Float32Array {
  return aggregator.format === "packed"
    ? aggregator.decode(round.config, bytes)
    : decodeSafetensors(bytes, sent);
}
