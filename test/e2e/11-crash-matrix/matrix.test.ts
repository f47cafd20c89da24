import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Job, SelvedgeError } from "@selvedge/protocol";
import type { ArmedPoint, DurablePoint } from "../durable-operations.fixture.ts";
import { jobFile } from "../job-file.fixture.ts";
import { contributions } from "../operator.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** Long enough that every round has its full cohort, and so one possible result. */
const patientJob: string = jobFile("50s");
/** All of them take many minutes: every run of the tests has a sample. */
const isFull = process.env.SELVEDGE_CRASH_MATRIX === "full";
const sampleEvery = 5;
const mainPath = join(import.meta.dirname, "../../../apps/cli/src/main.ts");

/** Who is killed. */
interface Victim {
  readonly name: string;
  readonly durableLog: string;
  /** Resolves when its process has ended, however. */
  exited(): Promise<void>;
  restart(): Promise<void>;
}

suite("every point at which something becomes durable", () => {
  let fleet: TestFleet;
  let undisturbed: Job;
  let victims: readonly Victim[] = [];
  const points = new Map<Victim, readonly DurablePoint[]>();
  let releases = 0;

  before(async () => {
    fleet = await TestFleet.start(3, { isObserved: true });
    victims = [coordinatorOf(fleet), agentOf(fleet)];
    const offsets = victims.map(({ durableLog }) => pointsIn(durableLog).length);
    undisturbed = await runAndRelease();
    for (const [index, victim] of victims.entries()) {
      points.set(victim, [...new Set(pointsIn(victim.durableLog).slice(offsets[index]))]);
    }
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  /** A job from its start until every device serves what came of it, over whatever dies meanwhile. */
  async function runAndRelease(): Promise<Job> {
    // Numbered, so that records of all jobs have names of one shape.
    const id = `job-${releases}`;
    await persistently(() => fleet.operator.startJob(id, patientJob));
    const job = await fleet.operator.watch(id);
    await persistently(() => release(id));
    releases += 1;
    await persistently(async () => {
      const { devices } = await fleet.operator.call((client) => client.listDevices({}));
      const serving = devices.filter(({ models }) =>
        models.some((model) => model.version === BigInt(releases) && model.serving && model.error === ""),
      );
      if (serving.length < 3) throw new SelvedgeError("unavailable", "not every device serves it yet");
    });
    await fleet.outboxesEmpty();
    return job;
  }

  async function release(id: string): Promise<void> {
    const args = [mainPath, "release", id, "--state", join(fleet.folder, "coordinator"), "--json"];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    const [code] = await once(child, "exit");
    if (code !== 0 && !/already released/.test(said)) throw new SelvedgeError("unavailable", said);
  }

  /** @returns whether the process came to the point: what is committed together with what is for chance to say */
  async function survive(victim: Victim, armed: ArmedPoint): Promise<boolean> {
    const arm = `${victim.durableLog}.arm`;
    let isOver = false;
    const back = victim.exited().then(() => (isOver ? undefined : victim.restart()));
    writeFileSync(arm, JSON.stringify(armed));
    const job = await runAndRelease();
    const isReached = !existsSync(arm);
    rmSync(arm, { force: true });
    if (isReached) await back;
    isOver = true;
    await fleet.online(3);
    assert.equal(job.status, "completed", job.reason);
    const everyone = fleet.devices.map(({ id }) => id).sort();
    assert.deepEqual(contributions(job), [everyone, everyone, everyone]);
    assert.equal(job.weights?.digest, undisturbed.weights?.digest);
    assert.equal(job.model?.digest, undisturbed.model?.digest);
    return isReached;
  }

  test("[AK5] [AK2] [BL1] is survived by the coordinator and by an agent: same rounds, same weights, released and served", async (t) => {
    for (const [victim, found] of points) {
      let reached = 0;
      const all = crashes(found);
      for (const [index, armed] of all.entries()) {
        const { when, point, damage = "" } = armed;
        await t.test(
          `${victim.name} ${index}: ${when} ${point} ${damage}`,
          { timeout: 120_000 },
          async () => {
            if (await survive(victim, armed)) reached += 1;
          },
        );
      }
      assert.ok(reached >= all.length / 2, `${victim.name} crashed at ${reached} of ${all.length} points`);
    }
  });
});

/** Before and after each point; before a file is synced also with half or nothing of it on disk. */
function crashes(found: readonly DurablePoint[]): readonly ArmedPoint[] {
  const all = found.flatMap((point): ArmedPoint[] => {
    const isFileSync = /^(data)?sync .*\.(part|tmp|log)$/.test(point);
    return [
      { when: "before", point },
      { when: "after", point },
      ...(isFileSync
        ? (["torn", "empty"] as const).map((damage) => ({ when: "before" as const, point, damage }))
        : []),
    ];
  });
  return isFull ? all : all.filter((_, index) => index % sampleEvery === 0);
}

function coordinatorOf(fleet: TestFleet): Victim {
  return {
    name: "coordinator",
    durableLog: fleet.durableLog,
    exited: () => fleet.coordinatorEnded(),
    restart: () => fleet.startCoordinator(),
  };
}

function agentOf(fleet: TestFleet): Victim {
  const [device] = fleet.devices;
  assert.ok(device?.durableLog !== undefined);
  return {
    name: "agent",
    durableLog: device.durableLog,
    exited: () => device.ended(),
    restart: async () => device.start(),
  };
}

function pointsIn(durableLog: string): readonly DurablePoint[] {
  return readFileSync(durableLog, "utf8").trimEnd().split("\n");
}

/** Again while the coordinator is away, as a person would. */
async function persistently<Result>(call: () => Promise<Result>): Promise<Result> {
  for (const end = performance.now() + patienceMs; ; await sleep(100)) {
    try {
      return await call();
    } catch (thrown) {
      if (SelvedgeError.from(thrown).code !== "unavailable" || performance.now() > end) throw thrown;
    }
  }
}

const patienceMs = 60_000;
