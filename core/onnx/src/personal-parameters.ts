import { type AlgorithmTraits, SelvedgeError } from "@selvedge/protocol";
import { joinLayouts, subLayout } from "./layout-sections.ts";
import type { OnnxModel } from "./model.ts";
import { type ParameterLayout, parameterLayout } from "./parameters.ts";
import { matchingNames } from "./tensor-patterns.ts";

/** In place of a pattern: every parameter and statistic of every BatchNormalization, as in FedBN (Li et al., 2021). */
export const batchNormalizationWord = "batch-normalization";

/** A model's parameters, parted by who keeps them. */
export interface SharedParameters {
  /** What is sent and aggregated. */
  readonly shared: ParameterLayout;
  /** What each device keeps for itself; empty when nothing. */
  readonly personal: ParameterLayout;
}

/**
 * Parts a model's parameters into those that the fleet learns together and those that stay on
 * each device: FedPer (Arivazhagan et al., 2019) where they are the last layers.
 *
 * @param patterns of names, in which `*` is any text, or `batch-normalization`
 * @throws SelvedgeError `invalid_argument` for a pattern that no parameter is named like, and when nothing is shared
 */
export function shareParameters(model: OnnxModel, patterns: readonly string[]): SharedParameters {
  const layout = parameterLayout(model);
  const personal = personalNames(model, layout, patterns);
  const shared = subLayout(layout, (name) => !personal.has(name));
  if (shared.length > 0) return { shared, personal: subLayout(layout, (name) => personal.has(name)) };
  throw new SelvedgeError("invalid_argument", "all parameters of the model are personal", {
    fix: "leave some for the fleet to learn together",
  });
}

/** How what a device sends lies: what is shared, and behind it what the plan's algorithm sends beside. */
export function updateLayout(
  shared: ParameterLayout,
  { vectors, numbers }: Pick<AlgorithmTraits, "vectors" | "numbers">,
): ParameterLayout {
  if (vectors.length + numbers.length === 0) return shared;
  const beside = vectors.map((name) => [name, shared] as const);
  const single = numbers.map((name, offset) => ({ name, shape: [1], offset, length: 1 }));
  return joinLayouts({
    update: shared,
    ...Object.fromEntries(beside),
    ...(single.length > 0 && { numbers: { slots: single, length: single.length } }),
  });
}

function personalNames(
  model: OnnxModel,
  { slots }: ParameterLayout,
  patterns: readonly string[],
): ReadonlySet<string> {
  const names = slots.map(({ name }) => name);
  const named = matchingNames(
    names,
    patterns.filter((pattern) => pattern !== batchNormalizationWord),
  );
  if (!patterns.includes(batchNormalizationWord)) return named;
  const normalizations = (model.graph?.node ?? []).filter(({ opType }) => opType === "BatchNormalization");
  const inputs = new Set(normalizations.flatMap(({ input }) => input.slice(1)));
  const found = names.filter((name) => inputs.has(name));
  if (found.length > 0) return new Set([...named, ...found]);
  throw new SelvedgeError("invalid_argument", "the model has no batch normalization with parameters", {
    fix: `leave "${batchNormalizationWord}" out, or name the parameters`,
  });
}
