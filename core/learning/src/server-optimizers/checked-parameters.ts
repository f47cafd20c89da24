import { SelvedgeError } from "@selvedge/protocol";

/**
 * New parameters, float32, out of a function of each old one and its index.
 *
 * @throws SelvedgeError `invalid_argument` when there is not one value for each parameter,
 *   `out_of_range` with the index when a new one is not finite
 */
export function checkedParameters(
  optimizer: string,
  base: Float32Array,
  values: number,
  next: (value: number, index: number) => number,
): Float32Array {
  if (base.length !== values) {
    throw new SelvedgeError(
      "invalid_argument",
      `a mean update of ${values} values for ${base.length} parameters`,
      { at: optimizer },
    );
  }
  const parameters = base.map(next);
  const bad = parameters.findIndex((value) => !Number.isFinite(value));
  if (bad === -1) return parameters;
  throw new SelvedgeError("out_of_range", `parameter ${bad} would become ${parameters[bad]}`, {
    at: `${optimizer}, index ${bad}`,
    fix: "lower the server learning rate",
  });
}

/** @throws SelvedgeError `invalid_argument` unless it is finite and above 0 */
export function checkRate(learningRate: number): void {
  if (learningRate > 0 && Number.isFinite(learningRate)) return;
  throw new SelvedgeError("invalid_argument", `learning rate ${learningRate} is not a positive number`, {
    at: "plan.server_optimizer.learning_rate",
  });
}
