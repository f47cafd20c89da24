import type { ResizeCompositions } from "../compositions/resize.ts";
import { type ConstantInput, type GradientCase, type GradientCaseTable, integers } from "../gradient-case.ts";

type Attributes = GradientCase<"Resize">["attributes"];

export const resizeCases: GradientCaseTable<keyof ResizeCompositions> = {
  Resize: [
    {
      name: "twice as wide, three times as high",
      inputs: [["n", 2, 2, 3], undefined, scales(1, 1, 3, 2)],
      sizes: { n: 2 },
      attributes: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
      type: "float32",
    },
    { ...doubled({ mode: "nearest" }), type: "float32" },
    doubled({
      mode: "nearest",
      nearest_mode: "round_prefer_ceil",
      coordinate_transformation_mode: "align_corners",
    }),
    sized([5, 7], { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" }),
    sized([5, 2], { mode: "nearest", nearest_mode: "ceil" }),
    doubled({ mode: "linear" }),
    doubled({ mode: "linear", coordinate_transformation_mode: "align_corners" }),
    doubled({ mode: "linear", coordinate_transformation_mode: "asymmetric" }),
    doubled({ mode: "linear", coordinate_transformation_mode: "pytorch_half_pixel" }),
    doubled({ mode: "linear", coordinate_transformation_mode: "half_pixel_symmetric" }),
    sized([1, 5], { mode: "linear", coordinate_transformation_mode: "pytorch_half_pixel" }),
    sized([2, 5], { mode: "linear" }),
    scaled([1.7, 0.6], { mode: "linear" }),
    scaled([1.7, 0.6], { mode: "linear", coordinate_transformation_mode: "half_pixel_symmetric" }),
    sized([2, 2], { mode: "linear", antialias: 1 }),
    doubled({ mode: "cubic" }),
    doubled({ mode: "cubic", coordinate_transformation_mode: "align_corners", cubic_coeff_a: -0.5 }),
    sized([2, 7], { mode: "cubic", exclude_outside: 1 }),
    sized([2, 2], { mode: "cubic", antialias: 1 }),
    {
      name: "a row by chosen axes",
      inputs: [["n", 2, 4], undefined, scales(2.5)],
      sizes: { n: 2 },
      attributes: { mode: "linear", axes: [2] },
    },
    {
      name: "a volume",
      inputs: [["n", 1, 2, 3, 2], undefined, scales(1, 1, 2, 1.5, 2)],
      sizes: { n: 2 },
      attributes: { mode: "linear", coordinate_transformation_mode: "asymmetric" },
    },
  ],
};

function doubled(attributes: Attributes): GradientCase<"Resize"> {
  return scaled([2, 2], attributes);
}

function scaled(factors: readonly [number, number], attributes: Attributes): GradientCase<"Resize"> {
  const inputs = [["n", 1, 3, 4], undefined, scales(1, 1, ...factors)];
  return { name: `by ${factors}, ${describe(attributes)}`, inputs, sizes: { n: 2 }, attributes };
}

function sized(sizes: readonly [number, number], attributes: Attributes): GradientCase<"Resize"> {
  const inputs = [["n", 1, 3, 4], undefined, undefined, integers(sizes)];
  return {
    name: `to ${sizes}, ${describe(attributes)}`,
    inputs,
    sizes: { n: 2 },
    attributes: { ...attributes, axes: [2, 3] },
  };
}

function describe(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => (typeof value === "string" ? value : `${name} ${value}`))
    .join(", ");
}

function scales(...values: readonly number[]): ConstantInput {
  return { type: "float32", values, shape: [values.length] };
}
