import type { ServerOptimizerResult, ServerOptimizerState } from "../server-optimizers/server-optimizer.ts";

/** What local training made of a device, for the algorithm's device half. */
export interface LocalTraining {
  /** What the device kept after its last round that counted; zeros before the first. */
  readonly own: Float32Array;
  /** What came with the offer; zeros where nothing does. */
  readonly broadcast: Float32Array;
  /** Trained minus base parameters. */
  readonly update: Float32Array;
  /** The same, with zeros for running statistics, which no gradient moves. */
  readonly stepped: Float32Array;
  /** Steps taken, and the mean rate of each. */
  readonly steps: number;
  readonly learningRate: number;
  readonly atBase: BaseMeasures;
}

/** What an algorithm wants to know of the round's base, on all examples that a device trains on. */
export interface BaseMeasures {
  /** The mean loss; 0 where the algorithm does not want it (`traitsOf`). */
  readonly loss: number;
  /** Its gradient, in the order of the update; empty likewise. */
  readonly gradient: Float32Array;
}

/** What becomes of local training. */
export interface LocalOutcome {
  /** The update or what is sent in its place, the vectors beside it, and the numbers (`traitsOf`). */
  readonly sent: readonly Float32Array[];
  /** What is kept for the next round; null = nothing. */
  readonly kept: Float32Array<ArrayBuffer> | null;
}

/** The device half of an algorithm. Pure. */
export interface ClientAlgorithm {
  /** What is added to the gradient of every step; null = nothing. */
  correction(own: Float32Array, broadcast: Float32Array): Float32Array<ArrayBuffer> | null;
  /** @throws SelvedgeError `out_of_range` where the training cannot be told of */
  finish(training: LocalTraining): LocalOutcome;
}

/** The server's half: turns what was aggregated into the next model. Pure. */
export interface ServerAlgorithm {
  init(parameters: number): ServerOptimizerState;
  /** What goes to the devices with each offer, one value per parameter; null = nothing. */
  broadcast(state: ServerOptimizerState): Float32Array<ArrayBuffer> | null;
  /** What devices divide losses by, above 0 and at most `lossScaleMax`; absent: they do not. */
  lossScale?(state: ServerOptimizerState): number;
  /**
   * @param mean of all that devices sent: of the updates, and behind them of the rest
   * @param contributors how many devices are in it
   * @throws SelvedgeError as `ServerOptimizer.update`
   */
  update(
    state: ServerOptimizerState,
    base: Float32Array,
    mean: Float64Array,
    contributors: number,
  ): ServerOptimizerResult;
}

export const lossScaleMax = 1e12;
