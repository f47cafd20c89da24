import type { ServerOptimizerResult, ServerOptimizerState } from "../server-optimizers/server-optimizer.ts";

/** What local training made of a device, for the algorithm's device half. */
export interface LocalTraining {
  /** What the device kept after its last round that counted; zeros before the first. */
  readonly own: Float32Array;
  /** What came with the offer; zeros where nothing does. */
  readonly broadcast: Float32Array;
  /** Trained minus base parameters. */
  readonly update: Float32Array;
  /** Steps taken, and the rate of each. */
  readonly steps: number;
  readonly learningRate: number;
}

/**
 * The device half of an algorithm that corrects local training by what the device keeps from one
 * round to the next: one vector as long as the update. Pure.
 */
export interface ClientAlgorithm {
  /** Whether the change of what is kept travels beside the update, as a second one of the same shape. */
  readonly sendsChange: boolean;
  /** What is added to the gradient of every step. */
  correction(own: Float32Array, broadcast: Float32Array): Float32Array<ArrayBuffer>;
  /** What is kept for the next round. */
  next(training: LocalTraining): Float32Array<ArrayBuffer>;
}

/** The server's half: turns what was aggregated into the next model. Pure. */
export interface ServerAlgorithm {
  init(parameters: number): ServerOptimizerState;
  /** What goes to the devices with each offer, one value per parameter; null = nothing. */
  broadcast(state: ServerOptimizerState): Float32Array<ArrayBuffer> | null;
  /**
   * @param mean of the updates; where changes travel, of these behind it
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
