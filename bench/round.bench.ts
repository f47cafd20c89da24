/**
 * How long a round takes in which nothing is trained: invite all devices, get the 2NN's 199,210 float32 to each and one
 * update back from each, average, next round. Both sides in turn, in one run.
 *
 * Ten devices: ten processes on either side; here with TLS, journals and signatures as always, there (Flower's
 * SuperLink and SuperNodes) without TLS and in memory. More devices: here whole agents, of which many share a process,
 * each with its own TLS connection, folder and journal; there Flower's simulation, which has no network.
 *
 *   python3 -m venv VENV && VENV/bin/pip install --requirement bench/peers/flower-round/requirements.txt
 *   npm run bench -- round [--flower VENV/bin] [--many 100,1000] [--rounds 20] [--flower-rounds 4]
 *
 * Without `--flower DIR` only this side is measured. The result is the median time from one round's model to the
 * next; the first round, which starts processes, does not count. A table, and last one line of JSON.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { flowerRounds, flowerSimulation } from "./round/flower-rounds.ts";
import { ourRounds } from "./round/our-rounds.ts";
import { medianSeconds } from "./round/rounds.ts";

const { values } = parseArgs({
  options: {
    flower: { type: "string" },
    many: { type: "string", default: "100,1000" },
    rounds: { type: "string", default: "20" },
    "flower-rounds": { type: "string", default: "4" },
  },
});
const programs = values.flower;
const rounds = Number(values.rounds);
const theirRounds = Number(values["flower-rounds"]);

interface Line {
  readonly devices: number;
  readonly kind: "processes" | "multiplexed";
  readonly ours: number;
  /** Not measured: null. */
  readonly flowers: number | null;
}

const lines: Line[] = [await tenProcesses()];
for (const devices of values.many.split(",").map(Number))
  if (devices > 0) lines.push(await multiplexed(devices));
console.table(
  lines.map(({ devices, kind, ours, flowers }) => ({
    devices,
    here: kind === "processes" ? "a process each" : "agents that share processes, TLS links",
    "s a round": ours.toFixed(3),
    there: kind === "processes" ? "SuperNodes" : "simulation, no network",
    "Flower, s a round": flowers?.toFixed(3) ?? "-",
    ratio: flowers === null ? "-" : (flowers / ours).toFixed(1),
  })),
);
console.log(JSON.stringify({ benchmark: "round", lines }));

async function tenProcesses(): Promise<Line> {
  const devices = 10;
  const ours = medianSeconds(await ourRounds({ devices, processes: devices, rounds }));
  const flower = programs && (await flowerRounds({ programs, clients: devices, rounds: theirRounds }));
  return { devices, kind: "processes", ours, flowers: flower ? medianSeconds(flower) : null };
}

async function multiplexed(devices: number): Promise<Line> {
  const ours = medianSeconds(await ourRounds({ devices, processes: availableParallelism(), rounds }));
  const flower = programs && (await flowerSimulation({ programs, clients: devices, rounds: theirRounds }));
  return { devices, kind: "multiplexed", ours, flowers: flower ? medianSeconds(flower) : null };
}
