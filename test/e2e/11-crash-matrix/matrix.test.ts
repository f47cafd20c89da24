import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Job, SelvedgeError } from "@selvedge/protocol";
import { type ArmedPoint, arm, type DurablePoint, disarm } from "../armed-point.fixture.ts";
import { jobFile } from "../job-file.fixture.ts";
import { patienceMs } from "../patience.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** Long enough that every round has its full cohort, and so one possible result. */
const patientJob: string = jobFile("50s");
/** Its updates wait on disk for each other. */
const robustJob = `${patientJob.replace("quorum: 2", "quorum: 3")}aggregator: { name: median }\n`;
/** All of them take many minutes: every run of the tests has a sample. */
const isFull = process.env.SELVEDGE_CRASH_MATRIX === "full";
const sampleEvery = 5;
const crashTimeoutMs = 120_000;
const victimTimeoutMs = 1_200_000;

/** Who is killed. */
interface Victim {
  readonly durableLog: string;
  /** Resolves when its process has ended, however. */
  ended(): Promise<void>;
  restart(): Promise<void>;
}

suite("every point at which something becomes durable", () => {
  let fleet: TestFleet;
  /** By job file. */
  const undisturbed = new Map<string, Job>();
  let jobs = 0;
  const victims = { coordinator: () => coordinatorOf(fleet), agent: () => agentOf(fleet) };
  const points = new Map<string, readonly DurablePoint[]>();

  before(async () => {
    fleet = await TestFleet.start(3, { isObserved: true });
    const logs = Object.values(victims).map((victim) => victim().durableLog);
    const passed = logs.map((log) => pointsIn(log).length);
    for (const file of [patientJob, robustJob]) undisturbed.set(file, await runAndRelease(file));
    for (const [index, log] of logs.entries()) points.set(log, pointsIn(log).slice(passed[index]));
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  /** A job from its start until every device serves what came of it, over whatever dies meanwhile. */
  async function runAndRelease(file: string): Promise<Job> {
    jobs += 1;
    // Numbered, so that records of all jobs have names of one shape.
    const id = `job-${jobs}`;
    await persistently(() => fleet.operator.startJob(id, file));
    const job = await fleet.operator.watch(id);
    await persistently(async () => {
      // Released already, where only the answer was lost.
      if ((await versionOf(id)) === undefined) await fleet.run(["release", id]);
    });
    await persistently(async () => fleet.serving(Number(await versionOf(id))));
    await fleet.outboxesEmpty();
    return job;
  }

  async function versionOf(job: string): Promise<bigint | undefined> {
    const { models } = await fleet.operator.call((client) => client.listModels({}));
    return models.find((model) => model.job === job)?.version;
  }

  /** @returns whether the process came to the point: what is committed together with what is for chance to say */
  async function survive(victim: Victim, point: ArmedPoint, file: string): Promise<boolean> {
    const ended = victim.ended();
    arm(victim.durableLog, point);
    const running = runAndRelease(file);
    await Promise.race([ended, running]);
    const isReached = !disarm(victim.durableLog);
    if (isReached) await ended.then(() => victim.restart());
    const job = await running;
    await fleet.online(3);
    fleet.assertComplete(job);
    assert.equal(job.weights?.digest, undisturbed.get(file)?.weights?.digest);
    assert.equal(job.model?.digest, undisturbed.get(file)?.model?.digest);
    return isReached;
  }

  for (const [name, victimOf] of Object.entries(victims)) {
    test(`[AK5] [AK2] [BL1] is survived by the ${name}: same rounds, same weights, released and served`, {
      timeout: victimTimeoutMs,
    }, async (t) => {
      const victim = victimOf();
      const all = crashes(points.get(victim.durableLog) ?? []).flatMap((point, index) =>
        (isFull ? [patientJob, robustJob] : [index % 2 === 0 ? patientJob : robustJob]).map((file) => ({
          point,
          file,
        })),
      );
      let reached = 0;
      for (const [index, { point, file }] of all.entries()) {
        const title = `${index}: ${point.when} ${point.point} ${point.damage ?? ""}${file === robustJob ? " (robust)" : ""}`;
        await t.test(title, { timeout: crashTimeoutMs }, async () => {
          if (await survive(victim, point, file)) reached += 1;
        });
      }
      assert.ok(reached >= all.length / 2, `crashed at ${reached} of ${all.length} points`);
    });
  }
});

/** Before and after each point; before a file is synced also with half or nothing of it on disk. */
function crashes(found: readonly DurablePoint[]): readonly ArmedPoint[] {
  const all = [...new Set(found)].flatMap((point): ArmedPoint[] => {
    const isFileSync = /^(data)?sync .*\.(part|tmp|log)$/.test(point);
    const damages = isFileSync ? (["torn", "empty"] as const) : [];
    return [
      { when: "before", point },
      { when: "after", point },
      ...damages.map((damage) => ({ when: "before" as const, point, damage })),
    ];
  });
  return isFull ? all : all.filter((_, index) => index % sampleEvery === 0);
}

function coordinatorOf(fleet: TestFleet): Victim {
  return {
    durableLog: fleet.durableLog,
    ended: () => fleet.coordinatorEnded(),
    restart: () => fleet.startCoordinator(),
  };
}

function agentOf({ devices: [device] }: TestFleet): Victim {
  assert.ok(device?.durableLog !== undefined);
  return {
    durableLog: device.durableLog,
    ended: () => device.ended(),
    restart: async () => device.start(),
  };
}

function pointsIn(durableLog: string): readonly DurablePoint[] {
  return readFileSync(durableLog, "utf8").trimEnd().split("\n");
}

/** Again while the coordinator is away, as a person would. */
async function persistently(call: () => Promise<void>): Promise<void> {
  for (const end = performance.now() + patienceMs; ; await sleep(100)) {
    try {
      return await call();
    } catch (thrown) {
      if (!isAway(thrown) || performance.now() > end) throw thrown;
    }
  }
}

/** What a call says, or a command by its exit code. */
function isAway(thrown: unknown): boolean {
  const { code } = thrown as { readonly code?: unknown };
  return code === unavailableExitCode || SelvedgeError.from(thrown).code === "unavailable";
}

const unavailableExitCode = 5;
