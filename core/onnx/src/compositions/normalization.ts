import { add, div, mul, neg, square, sub } from "../arithmetic.ts";
import type { CompositionTable } from "../composition.ts";
import { alongChannels, elementsOf, reshapeLike } from "../gradient-families.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { axisOf, type Flag, mismatch, type Value } from "../operator.ts";

export interface NormalizationCompositions {
  BatchNormalization: {
    inputs: readonly [x: Value, scale: Value, bias: Value, mean: Value, variance: Value];
    attributes: { epsilon?: number; momentum?: number; training_mode?: Flag };
  };
  GroupNormalization: {
    inputs: readonly [x: Value, scale: Value, bias: Value];
    attributes: { epsilon?: number; num_groups: number; stash_type?: number };
  };
  InstanceNormalization: {
    inputs: readonly [x: Value, scale: Value, bias: Value];
    attributes: { epsilon?: number };
  };
  LayerNormalization: {
    inputs: readonly [x: Value, scale: Value, bias?: Value];
    attributes: { axis?: number; epsilon?: number; stash_type?: number };
  };
  LpNormalization: { inputs: readonly [x: Value]; attributes: { axis?: number; p?: number } };
  RMSNormalization: {
    inputs: readonly [x: Value, scale: Value];
    attributes: { axis?: number; epsilon?: number; stash_type?: number };
  };
}

export const normalizationCompositions: CompositionTable<NormalizationCompositions> = {
  BatchNormalization: {
    arity: [5, 5],
    attributes: { epsilon: "float", momentum: "float", training_mode: "int" },
    compose: (g, [x, scale, bias, mean, variance], { epsilon = 1e-5, momentum = 0.9 }, mode) => {
      const channels = (value: Value): Value => alongChannels(g, value, x);
      if (!mode.training) {
        const factor = div(g, scale, root(g, variance, epsilon));
        return add(g, mul(g, sub(g, x, channels(mean)), channels(factor)), channels(bias));
      }
      const attributes = { epsilon, momentum: 0, training_mode: 1 } as const;
      // The runtime writes the batch's moments over the inputs for the running ones, of which it takes 0 times the
      // values. It gets negatives: copies that nothing else reads. Of equal nodes it makes one, so no two may be of
      // the same values: a layer that stands twice goes on from what the first has made of them.
      const running = [mode.latest(mean), mode.latest(variance)] as const;
      const [overMean, overVariance] = [neg(g, running[0]), neg(g, running[1])];
      const y = g.node("BatchNormalization", [x, scale, bias, overMean, overVariance], attributes);
      const moments = [g.furtherOutput(y, mean), g.furtherOutput(y, variance)] as const;
      const [nextMean, nextVariance] = learnedMoments(g, moments, x, running, momentum);
      mode.update(mean, nextMean);
      mode.update(variance, nextVariance);
      return y;
    },
  },

  GroupNormalization: {
    arity: [3, 3],
    required: ["num_groups"],
    attributes: { epsilon: "float", num_groups: "int", stash_type: "int" },
    compose: (g, [x, scale, bias], { epsilon = 1e-5, num_groups: groups }) => {
      const grouped = g.node("Reshape", [x, g.integers(0, groups, -1)], {});
      const normal = normalized(g, grouped, [2], epsilon);
      const scaled = (values: Value): Value =>
        add(g, mul(g, values, alongChannels(g, scale, values)), alongChannels(g, bias, values));
      if (scale.shape[0] === x.shape[1]) return scaled(reshapeLike(g, normal, x));
      // Before operator set 21 it was one for each group.
      if (scale.shape[0] === groups) return reshapeLike(g, scaled(normal), x);
      throw mismatch("the scale is not one number for each channel or group", scale);
    },
  },

  InstanceNormalization: {
    arity: [3, 3],
    attributes: { epsilon: "float" },
    compose: (g, [x, scale, bias], { epsilon = 1e-5 }) => {
      const normal = normalized(g, x, [...x.shape.keys()].slice(2), epsilon);
      return add(g, mul(g, normal, alongChannels(g, scale, x)), alongChannels(g, bias, x));
    },
  },

  LayerNormalization: {
    arity: [2, 3],
    attributes: { axis: "int", epsilon: "float", stash_type: "int" },
    compose: (g, [x, scale, bias], { axis = -1, epsilon = 1e-5 }) => {
      const scaled = mul(g, normalized(g, x, axesFrom(x, axis), epsilon), scale);
      return bias === undefined ? scaled : add(g, scaled, bias);
    },
  },

  // y = x/|x|
  LpNormalization: {
    arity: [1, 1],
    attributes: { axis: "int", p: "int" },
    compose: (g, [x], { axis = -1, p = 2 }) => {
      if (p !== 1 && p !== 2) throw mismatch(`the norm ${p} is not known`, x);
      return div(g, x, g.node(p === 1 ? "ReduceL1" : "ReduceL2", [x, g.integers(axis)], { keepdims: 1 }));
    },
  },

  // y = x/√(mean x² + ε) (Zhang and Sennrich 2019)
  RMSNormalization: {
    arity: [2, 2],
    attributes: { axis: "int", epsilon: "float", stash_type: "int" },
    compose: (g, [x, scale], { axis = -1, epsilon = 1e-5 }) =>
      mul(g, div(g, x, root(g, meanOver(g, square(g, x), axesFrom(x, axis)), epsilon)), scale),
  },
};

/** y = (x - μ)/√(σ² + ε) over some axes. */
function normalized(g: GraphBuilder, x: Value, axes: readonly number[], epsilon: number): Value {
  const centred = sub(g, x, meanOver(g, x, axes));
  return div(g, centred, root(g, meanOver(g, square(g, centred), axes), epsilon));
}

/**
 * Running statistics move towards the batch's. The variance they keep is the
 * unbiased one, as PyTorch's; the standard's operator would keep the biased one.
 */
function learnedMoments(
  g: GraphBuilder,
  [batchMean, batchVariance]: readonly [Value, Value],
  x: Value,
  [mean, variance]: readonly [Value, Value],
  momentum: number,
): readonly [Value, Value] {
  const count = div(g, elementsOf(g, x), elementsOf(g, batchMean));
  // A single value has no variance to correct.
  const others = g.node("Max", [add(g, count, -1), g.scalar(1, x.type)], {});
  const unbiased = mul(g, batchVariance, div(g, count, others));
  const towards = (running: Value, now: Value): Value =>
    add(g, mul(g, running, momentum), mul(g, now, 1 - momentum));
  return [towards(mean, batchMean), towards(variance, unbiased)];
}

function meanOver(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return g.node("ReduceMean", [x, g.integers(...axes)], { keepdims: 1 });
}

function root(g: GraphBuilder, variance: Value, epsilon: number): Value {
  return g.node("Sqrt", [add(g, variance, epsilon)], {});
}

function axesFrom(x: Value, axis: number): readonly number[] {
  return [...x.shape.keys()].slice(axisOf(axis, x.shape.length));
}
