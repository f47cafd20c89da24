/**
 * How fast client updates are folded into the exact sum of `weighted-mean`.
 * Run with `npm run bench -- aggregate`: a table, and last one line of JSON.
 */
import { openSumRound, weightedMean } from "@selvedge/learning";
import { SeededRandom } from "@selvedge/protocol";

interface Measurement {
  readonly model: string;
  readonly parameters: number;
  readonly clients: number;
  /** Median and best over repetitions of folding all clients. */
  readonly medianSeconds: number;
  readonly bestSeconds: number;
  /** float32 input per second, 10^9 bytes, of the median and the best repetition. */
  readonly medianGigabytesPerSecond: number;
  readonly bestGigabytesPerSecond: number;
}

const clients = 100;
const repetitions = 9;

// The two models of the FedAvg paper.
const measurements = [measure("2NN", 199_210), measure("CNN", 1_663_370)];

console.table(
  measurements.map((m) => ({
    model: m.model,
    parameters: m.parameters,
    clients: m.clients,
    "median s": m.medianSeconds.toFixed(3),
    "best s": m.bestSeconds.toFixed(3),
    "median GB/s": m.medianGigabytesPerSecond.toFixed(2),
    "best GB/s": m.bestGigabytesPerSecond.toFixed(2),
  })),
);
console.log(JSON.stringify({ benchmark: "aggregate", measurements }));

/** From 100 updates in memory to one accumulator; decoding them from a file is not included. */
function measure(model: string, parameters: number): Measurement {
  const config = weightedMean.prepare({}, { cohort: clients, maxExamplesPerDevice: 600, parameters });
  const round = openSumRound(config, 1);
  // More than the processor caches hold.
  const updates = Array.from({ length: 8 }, (_, client) => randomUpdate(parameters, client));
  const seconds: number[] = [];
  for (let repetition = -1; repetition < repetitions; repetition++) {
    const start = performance.now();
    let sum = weightedMean.zero(round);
    for (let client = 0; client < clients; client++) {
      sum = weightedMean.accumulate(round, sum, {
        format: "f32",
        contributors: [`device-${client}`],
        configDigest: round.configDigest,
        baseVersion: 1,
        weight: 600 - client,
        values: updates[client % updates.length] ?? new Float32Array(),
      });
    }
    // The first repetition warms up the compiler.
    if (repetition >= 0) seconds.push((performance.now() - start) / 1_000);
  }
  const sorted = seconds.toSorted((a, b) => a - b);
  const medianSeconds = sorted[Math.floor(repetitions / 2)] ?? Number.NaN;
  const bestSeconds = sorted[0] ?? Number.NaN;
  const gigabytes = (clients * parameters * 4) / 1e9;
  return {
    model,
    parameters,
    clients,
    medianSeconds,
    bestSeconds,
    medianGigabytesPerSecond: gigabytes / medianSeconds,
    bestGigabytesPerSecond: gigabytes / bestSeconds,
  };
}

function randomUpdate(parameters: number, client: number): Float32Array {
  const random = SeededRandom.fromSeed("aggregate.bench", client);
  return Float32Array.from({ length: parameters }, () => 0.1 * (random.uniform() - 0.5));
}
