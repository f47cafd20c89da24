/** Settings of a demo that is told nothing else; what it promises, it promises for these. */
export const demoDefaults: {
  readonly devices: number;
  readonly rounds: number;
  readonly alpha: number;
  readonly seed: number;
} = { devices: 10, rounds: 15, alpha: 0.3, seed: 1 };
