import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestBoard } from "./job-board.fixture.ts";
import { JobLog } from "./job-log.ts";

test("the log follows a job from its start over each round to its end, with counts and times", async () => {
  const fleet = await openTestBoard({ rounds: 2 });
  const lines: { readonly message: string; readonly fields: Record<string, unknown> }[] = [];
  const log = new JobLog({
    info: (fields, message) => void lines.push({ message, fields: { ...fields } }),
  });
  fleet.board.subscribe((job, state) => log.changed(job, state));
  await fleet.board.run(fleet.request);
  await fleet.idle();
  for (const round of [1, 2]) {
    await fleet.submit("a", round);
    await fleet.submit("b", round);
    await fleet.idle();
  }
  const round = ["round opened", "round closed"];
  assert.deepEqual(
    lines.map(({ message }) => message),
    ["job started", ...round, ...round, "job ended"],
  );
  for (const { fields } of lines) assert.equal(fields.job, fleet.request.job);
  const [, opened, closed] = lines;
  assert.deepEqual([opened?.fields.round, opened?.fields.devices], [1, 2]);
  const { contributed, declined, ms, status } = closed?.fields ?? {};
  assert.deepEqual([status, contributed, declined], ["completed", 2, 0]);
  assert.ok(Number(ms) >= 0);
  assert.deepEqual([lines.at(-1)?.fields.status, lines.at(-1)?.fields.rounds], ["completed", 2]);
});

test("[RA4] the log says how many devices a robust rule left out", async () => {
  const plan = { aggregator: { name: "norm-filter" }, schedule: { quorum: 3 } };
  const fleet = await openTestBoard({ cohort: 3, plan });
  const closed: object[] = [];
  const log = new JobLog({
    info: (fields, message) => void (message === "round closed" && closed.push({ ...fields })),
  });
  fleet.board.subscribe((job, state) => log.changed(job, state));
  await fleet.board.run(fleet.request);
  await fleet.idle();
  for (const [device, update] of [
    ["a", 0.5],
    ["b", 0.5],
    ["c", 9],
  ] as const)
    await fleet.submit(device, update);
  await fleet.idle();
  assert.partialDeepStrictEqual(closed, [{ contributed: 3, leftOut: 1 }]);
});

test("what was so at the start is no news", async () => {
  const fleet = await openTestBoard();
  await fleet.board.run(fleet.request);
  await fleet.idle();
  const log = new JobLog({ info: (_fields, message) => assert.fail(message) });
  log.start(fleet.board.all());
  for (const [job, state] of fleet.board.all()) log.changed(job, state);
});
