import { cast } from "../arithmetic.ts";
import type { CompositionTable } from "../composition.ts";
import { unsqueeze } from "../gradient-families.ts";
import { mismatch, TypeMismatch, type Value } from "../operator.ts";
import { type Dimension, isStatic, productOf, type Shape } from "../shape.ts";

interface BlockMove<Attributes extends object> {
  readonly inputs: readonly [x: Value];
  readonly attributes: { readonly blocksize: number } & Attributes;
}

export interface MovementCompositions {
  Cast: { inputs: readonly [x: Value]; attributes: { to: number; saturate?: number } };
  CastLike: { inputs: readonly [x: Value, like: Value]; attributes: { saturate?: number } };
  DepthToSpace: BlockMove<{ readonly mode?: string }>;
  SpaceToDepth: BlockMove<object>;
  Tile: { inputs: readonly [x: Value, repeats: Value]; attributes: object };
}

export const movementCompositions: CompositionTable<MovementCompositions> = {
  // saturate, of operator set 19 and later, matters only for 8-bit floats
  Cast: {
    arity: [1, 1],
    required: ["to"],
    attributes: { saturate: "int", to: "int" },
    compose: (g, [x], { to }) => g.node("Cast", [x], { to }),
  },

  CastLike: {
    arity: [2, 2],
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

  // each axis repeated gets one before it, along which it is expanded, and becomes one with it
  Tile: {
    arity: [2, 2],
    attributes: {},
    compose: (g, [x, repeats]) => {
      const times = g.contentsOf(repeats);
      if (times?.length !== x.shape.length || times.some((count) => typeof count === "number" && count < 1)) {
        throw mismatch("the repeats must be known, one for each axis", x);
      }
      const repeated = [...x.shape.keys()].filter((axis) => times[axis] !== 1);
      if (repeated.length === 0) return x;
      const apart = unsqueeze(g, x, ...repeated.map((axis, before) => axis + before));
      const counts = times.flatMap((count, axis) => {
        if (count === 1) return [g.integers(1)];
        const counted = g.node("Slice", [repeats, g.integers(axis), g.integers(axis + 1)], {});
        return [counted, g.integers(1)];
      });
      const [first = g.integers(), ...rest] = counts;
      const expanded = g.node("Expand", [apart, g.node("Concat", [first, ...rest], { axis: 0 })], {});
      const shape = x.shape.map((size, axis) => productOf([times[axis] ?? 1, size]));
      if (shape.filter((size) => typeof size === "string").length > 1) {
        throw mismatch("more than one axis of the result has no fixed size", x);
      }
      return { ...g.node("Reshape", [expanded, g.integers(...shape.map(orRest))], {}), shape };
    },
  },
};

function orRest(size: Dimension): number {
  return typeof size === "number" ? size : -1;
}

function image(x: Value): readonly [number, number, number] {
  const sizes: Shape = x.shape.slice(1);
  const [depth, height, width] = sizes;
  if (!isStatic(sizes) || sizes.length !== 3) throw mismatch("an image of fixed size was expected", x);
  return [Number(depth), Number(height), Number(width)];
}
