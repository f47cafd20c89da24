import type { ServerOptimizerResult, ServerOptimizerState, StrategyRound } from "@selvedge/learning";

/** What the process of a strategy can do. `load` comes first, once. */
export interface StrategyMethods {
  readonly load: {
    readonly argument: { readonly path: string };
    readonly result: undefined;
  };
  readonly update: {
    readonly argument: {
      /** Null before the first round. */
      readonly state: ServerOptimizerState | null;
      readonly base: Float32Array;
      readonly meanUpdate: Float64Array;
      readonly round: StrategyRound;
    };
    readonly result: ServerOptimizerResult;
  };
}
