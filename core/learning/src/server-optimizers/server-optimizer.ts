/**
 * What a server optimizer keeps between rounds: how many updates it has made,
 * and named vectors of one value per parameter (FedAvgM's momentum, FedAdam's two moments).
 */
export interface ServerOptimizerState {
  readonly step: number;
  readonly vectors: { readonly [name: string]: Float64Array };
}

export interface ServerOptimizerResult {
  readonly parameters: Float32Array;
  readonly state: ServerOptimizerState;
}

/**
 * Turns a mean update into the next model, as a pure pair (after optax). The
 * mean update is trained minus base, so it points where the model shall go:
 * it is the negated pseudo-gradient of Reddi et al., arXiv 2003.00295.
 */
export interface ServerOptimizer {
  readonly name: string;
  init(parameters: number): ServerOptimizerState;
  /**
   * Neither `base` nor `state` is changed.
   *
   * @throws SelvedgeError `invalid_argument` when lengths differ, `out_of_range`
   *   with the index when a new parameter is not finite
   */
  update(state: ServerOptimizerState, base: Float32Array, meanUpdate: Float64Array): ServerOptimizerResult;
}
