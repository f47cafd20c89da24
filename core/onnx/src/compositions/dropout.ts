import { cast, div, mul, sub } from "../arithmetic.ts";
import type { CompositionTable } from "../composition.ts";
import { type Noise, randomNumbers } from "../counter-hash.ts";
import { onesLike, reshapeLike } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { TypeMismatch, type Value } from "../operator.ts";

export interface DropoutCompositions {
  Dropout: {
    inputs: readonly [x: Value, ratio?: Value, training?: Value];
    attributes: { seed?: number };
  };
}

export const dropoutCompositions: CompositionTable<DropoutCompositions> = {
  // y = x/(1 - p), or 0 with probability p, while the model learns; y = x while it is used
  Dropout: {
    arity: [1, 3],
    attributes: { seed: "int" },
    compose: (g, [x, ratio, training], _, { noise }) => {
      const kept = noise !== undefined && isOn(g, training) ? survivors(g, x, ratio, noise) : undefined;
      if (kept === undefined) return [x, cast(g, onesLike(g, x), "bool")];
      const rest = sub(g, 1, probability(g, ratio, x));
      const factor = g.node("Where", [kept, div(g, g.scalar(1, x.type), rest), g.scalar(0, x.type)], {});
      return [mul(g, x, factor), kept];
    },
  },
};

/** A file that does not say, or was made for use, has a layer for learning all the same; unless it is told not to. */
function isOn(g: GraphBuilder, training: Value | undefined): boolean {
  const [on] = training === undefined ? [1] : (g.contentsOf(training) ?? []);
  if (typeof on !== "number") throw new TypeMismatch("whether it is on must be constant");
  return on !== 0;
}

/** Which elements stay; undefined where all do. */
function survivors(g: GraphBuilder, x: Value, ratio: Value | undefined, noise: Noise): Value | undefined {
  if (ratio !== undefined && g.constantOf(ratio)?.[0] === 0) return undefined;
  const threshold = mul(g, cast(g, probability(g, ratio, x), "float32"), 2 ** 24);
  const isKept = g.node("GreaterOrEqual", [randomNumbers(g, noise, x), threshold], {});
  return reshapeLike(g, isKept, x);
}

/** The default is ONNX's. */
function probability(g: GraphBuilder, ratio: Value | undefined, x: Value): Value {
  return ratio === undefined ? g.scalar(0.5, x.type) : cast(g, ratio, x.type);
}
