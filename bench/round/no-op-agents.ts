// One or many whole agents in a process, whose training does nothing: what is left is the round itself. Joining,
// sessions, journals, results and the model server are the product's. round.bench.ts starts these and tells them what
// to do, a line each.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { joinFleet, runAgent, type Trainer } from "@selvedge/agent";
import { encodeIdx } from "@selvedge/datasets";
import { buildMlp, parameterLayout } from "@selvedge/onnx";
import { pino } from "pino";
import { benchedModel, examples } from "./benched-job.ts";

export interface StartAgents {
  readonly url: string;
  readonly token: string;
  readonly folder: string;
  /** First and number of the devices. */
  readonly first: number;
  readonly count: number;
}

const layout = parameterLayout(buildMlp(benchedModel));
const metrics = { examples, loss: 1, accuracy: 0.1 };
const trainer: Trainer = {
  train: async () => ({ layout, update: new Float32Array(layout.length), examples, metrics, kept: null }),
  measure: async () => ({ examples, metrics }),
  summarise: async () => ({ statistics: [], examples }),
};
const log = pino({ level: "error" }, process.stderr);

for await (const line of createInterface({ input: process.stdin })) {
  const { url, token, folder, first, count } = JSON.parse(line) as StartAgents;
  for (let device = first; device < first + count; device++) {
    const own = join(folder, `device-${device}`);
    await joinFleet({ url, token, folder: own, name: `device-${device}` });
    writeData(own);
    await runAgent({ folder: own, log, trainer });
  }
  console.log(JSON.stringify({ started: count }));
}
process.exit();

/** Nobody reads the examples; that they fit the job is looked at. */
function writeData(folder: string): void {
  const images = encodeIdx({ shape: [examples, 784], values: new Uint8Array(examples * 784) });
  const labels = encodeIdx({ shape: [examples], values: new Uint8Array(examples) });
  mkdirSync(join(folder, "data"), { recursive: true });
  writeFileSync(join(folder, "data/images"), images);
  writeFileSync(join(folder, "data/labels"), labels);
  const dataset = "{ format: idx, images: data/images, labels: data/labels, classes: 10 }";
  writeFileSync(join(folder, "agent.yaml"), `datasets:\n  digits: ${dataset}\ninference: { port: 0 }\n`);
}
