import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { BlobRefSchema, digestOf, type Job, JobSchema } from "@selvedge/protocol";
import { forSuite } from "../for-suite.fixture.ts";
import { jobYaml } from "../job-file/job-yaml.fixture.ts";
import { startFakeCoordinator } from "../operator/coordinator.fixture.ts";
import type { Outcome, Surroundings } from "../terminal.fixture.ts";

suite("jobs", () => {
  const fake = forSuite(startFakeCoordinator);
  const run = (line: string, surroundings?: Surroundings): Promise<Outcome> => fake().run(line, surroundings);
  before(() => writeFile(join(fake().folder, "job.yaml"), jobYaml));

  test("a job's model is uploaded and its plan signed and started", async () => {
    const { code, stdout } = await run("job run job.yaml --id run-1 --set rounds=3");
    assert.deepEqual([code, stdout], [0, "job run-1 started: 3 rounds\nnext: selvedge job watch run-1\n"]);
    const { plan, model } = fake().plans.get("run-1") ?? assert.fail("no plan arrived");
    assert.deepEqual([plan.schedule?.rounds, plan.dataset?.classes], [3, 2]);
    assert.deepEqual(await fake().blobs.stat(model.digest), model);
    assert.match(
      (await run("job run job.yaml --id one --set rounds=1")).stdout,
      /^job one started: 1 round\n/,
    );
    const named = JSON.parse((await run("job run job.yaml --json")).stdout).job.id;
    assert.match(named, /^digits-[0-9a-f]{6}$/);
  });

  test("a wrong job file starts nothing", async () => {
    const { code, stderr } = await run("job run job.yaml --set round=3 --id wrong");
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: unknown key "round"\n {2}at: {2}--set round=3\n {2}fix: did you mean "rounds"\?/,
    );
    assert.ok(!fake().jobs.has("wrong"));
    assert.match((await run("job run none.yaml")).stderr, /none\.yaml\n/);
  });

  test("[OF10] choices that do not go together are refused before anything is sent", async () => {
    const sets = "--set algorithm=fednova --set aggregator=sum --set model.hidden=[7]";
    const digests = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { digest } of fake().blobs.list()) found.push(digest);
      return found;
    };
    const before = await digests();
    const { code, stderr } = await run(`job run job.yaml --id clash ${sets}`);
    assert.equal(code, 2);
    assert.match(stderr, /"algorithm: fednova" does not go with "aggregator: sum", because/);
    assert.match(stderr, /fix: take `algorithm: fedavg`/);
    assert.deepEqual([await digests(), fake().jobs.has("clash")], [before, false]);
  });

  test("a watched job ends the command, with 1 unless it completed", async () => {
    const rounds = [{ number: 1, status: "completed", evaluation: { accuracy: 0.5, loss: 1 } }];
    const job = (status: string, model?: Job["model"]): Job =>
      create(JobSchema, {
        ...{ id: "seen", status, rounds: 1, roundsCompleted: 1, history: rounds },
        ...(model && { model }),
      });
    const model = create(BlobRefSchema, { digest: digestOf(Buffer.from("model")), length: 5n });
    fake().watched.set("seen", [job("running"), job("completed", model)]);
    const completed = await run("job watch seen");
    assert.equal(completed.code, 0);
    assert.match(
      completed.stdout,
      /job seen completed: 1 of 1 rounds, accuracy 0\.5000\nnext: selvedge release seen\n$/,
    );
    fake().watched.set("measured", [job("completed")]);
    assert.ok(!(await run("job watch measured")).stdout.includes("selvedge release"));
    fake().watched.set("bad", [job("failed")]);
    assert.equal((await run("job run job.yaml --id bad --watch")).code, 1);
    const lines = (await run("job watch bad --json")).stdout.trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).type),
      ["round", "ended"],
    );
  });

  test("jobs are listed, shown and cancelled", async () => {
    fake().jobs.clear();
    const round = { number: 1, status: "completed", evaluation: { accuracy: 0.75 } };
    const participants = [
      { device: "7d9e0a52-0000-4000-8000-000000000001", status: "declined", reason: "outside its hours" },
      { device: "attic", status: "declined", reason: "no data" },
    ];
    const current = { number: 2, status: "collecting", participants };
    const created = {
      createdAtMs: 1_795_521_540_000n,
      status: "running",
      rounds: 2,
      roundsCompleted: 1,
      history: [round],
    };
    fake().jobs.set("digits-1", create(JobSchema, { id: "digits-1", name: "digits", ...created, current }));
    assert.equal(
      (await run("job list")).stdout,
      "ID        STATUS   ROUNDS  ACCURACY  STARTED\ndigits-1  running     1/2    0.7500  1m ago\n",
    );
    const shown = (await run("job show digits-1")).stdout;
    assert.match(
      shown,
      /round 2 collecting: 0 of 2 devices are in\n\nDEVICE {3}ANSWER {4}REASON {13}ID\nkitchen {2}declined {2}outside its hours {2}7d9e0a52\S+1\nattic {4}declined {2}no data {12}attic\n$/,
    );
    assert.equal((await run("job cancel digits-1")).stdout, "job digits-1 cancelled\n");
    assert.deepEqual(await run("job cancel nope"), {
      code: 3,
      stdout: "",
      stderr: `error: no job "nope"\n  at:  ${fake().url}\n  fix: see \`selvedge job list\`\n`,
    });
  });
});
