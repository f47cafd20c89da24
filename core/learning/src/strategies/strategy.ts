import { SelvedgeError } from "@selvedge/protocol";
import type { ServerOptimizerState } from "../server-optimizers/server-optimizer.ts";

/** What a round tells a strategy beside the mean update. */
export interface StrategyRound {
  /** What the job file gives it under `options`. */
  readonly options: Readonly<Record<string, number>>;
  /** From the job file, > 0. */
  readonly learningRate: number;
  /** Devices whose updates are in the mean. */
  readonly contributors: number;
}

/**
 * How an operator's own module turns what devices learned into the next model: the default
 * export of a package that `selvedge strategy install` takes. Pure: the same arguments give the
 * same result, none of them is changed, and neither time nor randomness is there to be used.
 */
export interface Strategy {
  /** What it keeps before the first round. */
  init(parameters: number, options: Readonly<Record<string, number>>): ServerOptimizerState;
  /**
   * @param base the round's model, one float32 per parameter
   * @param meanUpdate trained minus base, averaged over the devices: where the model shall go
   * @returns the next model, as long as `base`, and what is kept for the next round
   */
  update(
    state: ServerOptimizerState,
    base: Float32Array,
    meanUpdate: Float64Array,
    round: StrategyRound,
  ): { readonly parameters: Float32Array; readonly state: ServerOptimizerState };
}

/** Checks what a module exports. @throws SelvedgeError `invalid_argument` */
export function asStrategy(exported: unknown): Strategy {
  if (typeof exported === "object" && exported !== null && "init" in exported && "update" in exported) {
    const { init, update } = exported;
    if (typeof init === "function" && typeof update === "function") return exported as Strategy;
  }
  throw new SelvedgeError("invalid_argument", "the module's default export has no init and update", {
    at: "strategy",
    fix: "export default { init(parameters, options) {…}, update(state, base, meanUpdate, round) {…} }",
  });
}

/**
 * Checks what a strategy returned.
 *
 * @throws SelvedgeError `invalid_argument` for another form, `out_of_range` with the index when a
 *   number is not finite
 */
export function checkStrategyResult(
  result: ReturnType<Strategy["update"]>,
  parameters: number,
): ReturnType<Strategy["update"]> {
  const made = result?.parameters;
  if (!(made instanceof Float32Array) || made.length !== parameters)
    throw invalid("update", `parameters are no Float32Array of ${parameters}`);
  const index = made.findIndex((value) => !Number.isFinite(value));
  if (index >= 0) {
    throw new SelvedgeError("out_of_range", `parameter ${index} is ${made[index]}`, {
      at: "strategy: update",
    });
  }
  checkStrategyState(result.state, "update");
  return result;
}

/** Checks what a strategy keeps. @throws SelvedgeError `invalid_argument` */
export function checkStrategyState(
  state: ServerOptimizerState,
  method: "init" | "update",
): ServerOptimizerState {
  const isState =
    Number.isSafeInteger(state?.step) &&
    typeof state.vectors === "object" &&
    state.vectors !== null &&
    Object.values(state.vectors).every((vector) => vector instanceof Float64Array);
  if (!isState) throw invalid(method, "the state is not { step, vectors } with a Float64Array for each name");
  return state;
}

function invalid(method: string, message: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", message, { at: `strategy: ${method}` });
}
