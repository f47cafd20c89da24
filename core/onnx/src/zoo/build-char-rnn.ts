import type { OnnxModel } from "../model.ts";
import { TypeMismatch } from "../operator.ts";
import { buildNetwork, type NetworkOptions } from "./build-network.ts";
import type { RecurrentCell } from "./layers.ts";

export interface TextOptions extends NetworkOptions {
  /** Steps of a text, each a code from 0. */
  readonly inputShape: readonly number[];
  /** How many codes there are; default: as many as classes, for a model that says which comes next. */
  readonly vocabulary?: number;
}

/**
 * A recurrent network over characters: an embedding of 8, two recurrent layers,
 * and the last state is classified, as in McMahan et al. 2017
 * ("Communication-Efficient Learning …"), where it is an LSTM of 256 units that
 * says which character of Shakespeare comes next.
 *
 * @param cell and its units, of both layers
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildCharRnn(
  cell: RecurrentCell,
  units: number,
  { vocabulary, ...options }: TextOptions,
): OnnxModel {
  const fix = "give the steps of a text, such as 80";
  const name = `char-${cell.toLowerCase()}`;
  return buildNetwork({ name, initialisation: "glorot", fix, ...options }, (l, codes) => {
    if (options.inputShape.length !== 1) throw new TypeMismatch("that is no text");
    const embedded = l.embedding(codes, vocabulary ?? options.classes, 8, "embedding");
    const steps = l.g.node("Transpose", [embedded], { perm: [1, 0, 2] });
    const [all] = l.recurrent(cell, steps, units, "layer1");
    const [, last] = l.recurrent(cell, all, units, "layer2");
    return l.linear(last, options.classes, "fc");
  });
}
