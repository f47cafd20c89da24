import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { GraphBuilder } from "../graph-builder.ts";
import type { OnnxModel } from "../model.ts";
import { TypeMismatch, type Value } from "../operator.ts";
import { describeShape } from "../shape.ts";
import { checkParameterCount, type Initialisation } from "./initial-weights.ts";
import { checkSize, Layers } from "./layers.ts";

/** What every model of the zoo is built for. */
export interface NetworkOptions {
  /** Shape of one example, without the batch. */
  readonly inputShape: readonly number[];
  readonly classes: number;
  readonly seed: string | number;
}

export interface NetworkTraits extends Omit<NetworkOptions, "classes"> {
  readonly name: string;
  readonly initialisation: Initialisation;
  /** Name of what it gives; "logits" when absent: raw scores. */
  readonly output?: string;
  /** Absent when it tells none apart. */
  readonly classes?: number;
  /** What this network can be built for, to be said when it cannot. */
  readonly fix: string;
}

/**
 * A model from `input` [batch, ...inputShape], usually to raw scores `logits` [batch, classes].
 * The same seed gives the same bytes on every machine.
 *
 * @param network the layers between them; called twice, first only to count the parameters
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildNetwork(
  traits: NetworkTraits,
  network: (layers: Layers, input: Value) => Value,
): OnnxModel {
  const { name, initialisation, inputShape, output = "logits", seed } = traits;
  const emit = (layers: Layers): Layers => {
    const input = layers.g.input("input", "float32", ["batch", ...inputShape]);
    layers.g.output(output, network(layers, input));
    return layers;
  };
  const { parameterCount } = orImpossible(traits, () => {
    for (const size of inputShape) checkSize(size);
    return emit(new Layers(new GraphBuilder(), initialisation, undefined));
  });
  checkParameterCount(parameterCount);
  return emit(new Layers(new GraphBuilder(), initialisation, SeededRandom.fromSeed(name, seed))).g.toModel(
    name,
  );
}

function orImpossible<Result>(
  { name, inputShape, classes, fix }: NetworkTraits,
  build: () => Result,
): Result {
  try {
    return build();
  } catch (thrown) {
    if (!(thrown instanceof TypeMismatch)) throw thrown;
    const to = classes === undefined ? "" : ` to ${classes} classes`;
    throw new SelvedgeError(
      "invalid_argument",
      `impossible layers: no ${name} from ${describeShape(inputShape)}${to}: ${thrown.message}`,
      { fix },
    );
  }
}
