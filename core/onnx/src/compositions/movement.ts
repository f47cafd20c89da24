import { cast } from "../arithmetic.ts";
import type { CompositionTable } from "../composition.ts";
import { axisOf, constantInput, mismatch, TypeMismatch, type Value } from "../operator.ts";
import { isStatic, type Shape } from "../shape.ts";

interface BlockMove<Attributes extends object> {
  readonly inputs: readonly [x: Value];
  readonly attributes: { readonly blocksize: number } & Attributes;
}

export interface MovementCompositions {
  CastLike: { inputs: readonly [x: Value, like: Value]; attributes: { saturate?: number } };
  DepthToSpace: BlockMove<{ readonly mode?: string }>;
  SpaceToDepth: BlockMove<object>;
  Split: {
    inputs: readonly [x: Value, sizes?: Value];
    attributes: { axis?: number; num_outputs?: number };
  };
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

  Split: {
    arity: [1, 2],
    attributes: { axis: "int", num_outputs: "int" },
    compose: (g, [x, sizes], { axis = 0, num_outputs: parts }) => {
      const size = x.shape[axisOf(axis, x.shape.length)];
      if (typeof size !== "number") throw mismatch(`axis ${axis} has no fixed size`, x);
      if (parts !== undefined && (parts < 1 || parts > partsMax)) throw mismatch(`${parts} parts`, x);
      const lengths = sizes === undefined ? evenly(size, parts ?? 1) : constantInput(sizes, "sizes", g);
      if (lengths.reduce((sum, length) => sum + length, 0) !== size) {
        throw mismatch(`parts of ${lengths} do not make up axis ${axis}`, x);
      }
      let end = 0;
      return lengths.map((length) => {
        const start = end;
        end += length;
        return g.node("Slice", [x, g.integers(start), g.integers(end), g.integers(axis)], {});
      });
    },
  },

  Tile: {
    arity: [2, 2],
    attributes: {},
    compose: (g, [x, repeats]) => {
      const times = constantInput(repeats, "repeats", g);
      if (times.some((count) => count < 1 || count > partsMax)) throw new TypeMismatch(`repeats of ${times}`);
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

/** The last part takes what is left. */
function evenly(size: number, parts: number): readonly number[] {
  const each = Math.ceil(size / parts);
  return Array.from({ length: parts }, (_, part) => Math.min(each, size - part * each));
}

/** Parts of a split, and repeats of a tile: each is a node. */
const partsMax = 1_024;
