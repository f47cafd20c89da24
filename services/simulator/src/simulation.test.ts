import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { RoundPoint } from "./round-point.ts";
import { simulate } from "./simulation.ts";
import { smallSimulation } from "./small-simulation.fixture.ts";

const scaffold = {
  algorithm: "scaffold",
  population: 6,
};

test("[SL2] a simulation comes to the same bits in one process and in three", async (t) => {
  const folder = temporaryFolder(t);
  const runs = [];
  for (const processes of [1, 3]) {
    const points: RoundPoint[] = [];
    const result = await simulate(
      await smallSimulation({
        folder: join(folder, String(processes)),
        plan: { training: scaffold },
        options: { processes, onRound: (point) => points.push(point) },
      }),
    );
    assert.equal(result.status, "completed", result.reason ?? "");
    runs.push({ ...result, points });
  }
  const [one, three] = runs;
  assert.deepEqual(one, three);
  assert.equal(one?.points.length, 4);
  assert.ok((one?.points.at(-1)?.evaluation.accuracy ?? 0) > 0.5);
});

test("[SL2] clients answer the questions of a plan's blocks, and pack what these pack", async (t) => {
  const blocks = [
    { name: "zeroing" },
    { name: "clipping", quantile: 0.5 },
    { name: "quantisation", bits: 8 },
  ];
  const training = { algorithm: "fedavg.2" };
  const plan = { training, aggregator: { name: "weighted-mean", blocks } };
  const { status, reason } = await simulate(await smallSimulation({ folder: temporaryFolder(t), plan }));
  assert.equal(status, "completed", reason ?? "");
});

test("[SL3] a simulation that was cut goes on from the end of a round, and comes to the same bits", async (t) => {
  const folder = temporaryFolder(t);
  const run = async (name: string, abortAfter?: number): Promise<string[]> => {
    const abort = new AbortController();
    const weights: string[] = [];
    const options = await smallSimulation({
      folder: join(folder, name),
      plan: { training: scaffold },
      options: {
        signal: abort.signal,
        onRound: (point) => {
          weights.push(point.weights);
          if (point.round === abortAfter) abort.abort();
        },
      },
    });
    const result = await simulate({ ...options, folder: join(folder, `run-${name}`) }).catch(() => undefined);
    assert.equal(result === undefined, abortAfter !== undefined);
    return weights;
  };
  const whole = await run("a");
  // The data is the same, under the same name.
  await run("b", 2);
  const rest = await run("b");
  assert.ok(rest.length < 4, "what was done is not done again");
  assert.deepEqual(rest, whole.slice(-rest.length));
});

test("[SL3] a folder of another simulation is refused", async (t) => {
  const folder = temporaryFolder(t);
  await simulate(await smallSimulation({ folder, plan: { schedule: { rounds: 1, cohort: 3 } } }));
  const other = await smallSimulation({ folder, plan: { schedule: { rounds: 2, cohort: 3 } } });
  await assert.rejects(simulate(other), { code: "already_exists" });
});

test("stragglers that are left out are declined, and those that are not do fewer epochs", async (t) => {
  const folder = temporaryFolder(t);
  const run = async (name: string, stragglers: number, dropsStragglers: boolean): Promise<RoundPoint[]> => {
    const points: RoundPoint[] = [];
    const behaviour = { stragglers, dropsStragglers, attack: null };
    const onRound = (point: RoundPoint): void => {
      points.push(point);
    };
    await simulate(await smallSimulation({ folder: join(folder, name), options: { behaviour, onRound } }));
    return points;
  };
  const all = await run("all", 0, false);
  const dropped = await run("dropped", 0.6, true);
  const partial = await run("partial", 0.6, false);
  assert.deepEqual(
    [all, dropped, partial].map((points) => points[0]?.contributed),
    [3, 1, 3],
  );
  assert.notEqual(all[0]?.weights, partial[0]?.weights);
});

test("a job that no cohort comes together for ends with what it waits for", async (t) => {
  const folder = temporaryFolder(t);
  const options = await smallSimulation({ folder, clients: 2, plan: { schedule: { cohort: 3, quorum: 3 } } });
  await assert.rejects(simulate(options), { message: /waits for ever: 2 of 3/ });
});

function temporaryFolder(t: { after(run: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-simulation-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
