import { cast } from "../arithmetic.ts";
import type { CompositionTable } from "../composition.ts";
import { constantInput, mismatch, TypeMismatch, type Value } from "../operator.ts";
import { isStatic, type Shape } from "../shape.ts";

interface BlockMove<Attributes extends object> {
  readonly inputs: readonly [x: Value];
  readonly attributes: { readonly blocksize: number } & Attributes;
}

export interface MovementCompositions {
  CastLike: { inputs: readonly [x: Value, like: Value]; attributes: { saturate?: number } };
  DepthToSpace: BlockMove<{ readonly mode?: string }>;
  SpaceToDepth: BlockMove<object>;
  Tile: { inputs: readonly [x: Value, repeats: Value]; attributes: object };
}

export const movementCompositions: CompositionTable<MovementCompositions> = {
  CastLike: {
    arity: [2, 2],
    // Matters only for 8-bit floats.
    attributes: { saturate: "int" },
    compose: (g, [x, like]) => cast(g, x, like.type),
  },

  // the blocks of channels become blocks of pixels
  DepthToSpace: {
    arity: [1, 1],
    required: ["blocksize"],
    attributes: { blocksize: "int", mode: "string" },
    compose: (g, [x], { blocksize: block, mode = "DCR" }) => {
      const [depth, height, width] = image(x);
      const inner = depth / block ** 2;
      if (mode !== "CRD" && mode !== "DCR") throw new TypeMismatch(`the mode "${mode}" is not known`);
      const [split, perm] =
        mode === "CRD"
          ? [
              [inner, block, block],
              [0, 1, 4, 2, 5, 3],
            ]
          : [
              [block, block, inner],
              [0, 3, 4, 1, 5, 2],
            ];
      const apart = g.node("Reshape", [x, g.integers(0, ...split, height, width)], {});
      const moved = g.node("Transpose", [apart], { perm });
      return g.node("Reshape", [moved, g.integers(0, inner, height * block, width * block)], {});
    },
  },

  // the blocks of pixels become blocks of channels
  SpaceToDepth: {
    arity: [1, 1],
    required: ["blocksize"],
    attributes: { blocksize: "int" },
    compose: (g, [x], { blocksize: block }) => {
      const [depth, height, width] = image(x);
      const [rows, columns] = [height / block, width / block];
      const apart = g.node("Reshape", [x, g.integers(0, depth, rows, block, columns, block)], {});
      const moved = g.node("Transpose", [apart], { perm: [0, 3, 5, 1, 2, 4] });
      return g.node("Reshape", [moved, g.integers(0, depth * block ** 2, rows, columns)], {});
    },
  },

  Tile: {
    arity: [2, 2],
    attributes: {},
    compose: (g, [x, repeats]) => {
      const times = constantInput(repeats, "repeats", g);
      if (times.some((count) => count < 1 || count > repeatsMax))
        throw new TypeMismatch(`repeats of ${times}`);
      return times.reduce((tiled, count, axis) => {
        const [first, ...rest] = Array<Value>(count).fill(tiled);
        return first === undefined || count === 1 ? tiled : g.node("Concat", [first, ...rest], { axis });
      }, x);
    },
  },
};

function image(x: Value): readonly [number, number, number] {
  const sizes: Shape = x.shape.slice(1);
  const [depth, height, width] = sizes;
  if (!isStatic(sizes) || sizes.length !== 3) throw mismatch("an image of fixed size was expected", x);
  return [Number(depth), Number(height), Number(width)];
}

/** Each is an input of a node. */
const repeatsMax = 1_024;
