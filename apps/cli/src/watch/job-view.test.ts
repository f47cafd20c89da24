import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { create } from "@bufbuild/protobuf";
import { JobSchema, type Round, RoundSchema, SelvedgeError } from "@selvedge/protocol";
import { createTerminal } from "../terminal.fixture.ts";
import type { JobNews } from "./follow-job.ts";
import { createJobView } from "./job-view.ts";

const round = (number: number, contributed: number, status: string): Round =>
  create(RoundSchema, {
    number,
    status,
    openedAtMs: 0n,
    closedAtMs: 1_500n,
    participants: ["a", "b"].map((device, index) => ({
      device,
      status: index < contributed ? "contributed" : "offered",
    })),
    evaluation: { accuracy: 0.9, loss: 0.4 },
  });
const job = create(JobSchema, {
  id: "digits-1",
  status: "running",
  rounds: 2,
  roundsCompleted: 1,
  history: [round(1, 2, "completed")],
});

const story: readonly JobNews[] = [
  { type: "waiting", job: { ...job, status: "waiting", reason: "1 of 2 devices online" } },
  { type: "waiting", job: { ...job, status: "waiting" } },
  { type: "progress", job, round: round(1, 0, "collecting") },
  { type: "progress", job, round: round(1, 1, "collecting") },
  { type: "lost", error: new SelvedgeError("unavailable", "refused"), pauseMs: 500 },
  { type: "round", job, round: round(1, 2, "completed") },
  { type: "ended", job: { ...job, status: "completed" } },
];

function show(news: readonly JobNews[], isTTY: boolean, json: boolean): { stdout: string; stderr: string } {
  const { terminal, written } = createTerminal({ isTTY });
  const view = createJobView(terminal, json, (device) => `name of ${device}`);
  for (const entry of news) view.show(entry);
  view.close();
  return written();
}

test("away from a terminal there is a line for each round", () => {
  assert.deepEqual(show(story, false, false), {
    stdout: [
      "waiting for devices: 1 of 2 devices online",
      "round  accuracy      loss    devices         up       down  seconds",
      "    1    0.9000    0.4000        2/2        0 B        0 B      1.5",
      "job digits-1 completed: 1 of 2 rounds, accuracy 0.9000",
      "",
    ].join("\n"),
    stderr: "connection lost (refused); asking again in 0.5s\n",
  });
});

test("each reason to wait is said once, and the moment between two rounds is none", () => {
  const waiting = (reason: string): JobNews => ({
    type: "waiting",
    job: { ...job, status: "waiting", reason },
  });
  const ended: JobNews = { type: "round", job, round: round(1, 2, "completed") };
  const opened: JobNews = { type: "progress", job, round: round(2, 0, "collecting") };
  const none = waiting("");
  assert.doesNotMatch(show([none, opened, ended, none, none], false, false).stdout, /waiting/);
  const reasons = ["0 of 2", "0 of 2", "", "1 of 2"].map(waiting);
  assert.deepEqual(
    show([...reasons, opened, waiting("1 of 2")], false, false).stdout.match(/waiting for devices: .*/g),
    ["0 of 2", "1 of 2", "1 of 2"].map((reason) => `waiting for devices: ${reason}`),
  );
});

test("who has no part in a round is named with the reason, once", () => {
  const refused = round(1, 1, "completed");
  const participants = refused.participants.map((one, index) =>
    index === 0 ? one : { ...one, status: "declined", reason: "outside its hours" },
  );
  const entry: JobNews = { type: "round", job, round: { ...refused, participants } };
  const { stdout } = show([entry, entry], false, false);
  assert.deepEqual(stdout.match(/^ +name.*$/gm), ["       name of b (b) declined: outside its hours"]);
});

test("on a terminal a bar shows the open round and leaves nothing behind", () => {
  const { stdout } = show(story, true, false);
  assert.match(stripVTControlCharacters(stdout), /round 1\/2 {2}█{12}░{12} {2}1\/2 devices/);
  const [hidden, shown] = ["\u001b[?25l", "\u001b[?25h"].map((code) => stdout.lastIndexOf(code));
  assert.ok((shown ?? 0) > (hidden ?? 0), "the cursor is back");
});

test("as JSON each news is a line", () => {
  const lines = show(story, true, true)
    .stdout.trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ type }) => type),
    ["waiting", "waiting", "progress", "progress", "round", "ended"],
  );
  assert.deepEqual(lines[3], {
    type: "progress",
    job: "digits-1",
    round: 1,
    rounds: 2,
    contributed: 1,
    cohort: 2,
  });
  assert.deepEqual(
    [lines[4].round.number, lines[4].round.closedAtMs, lines[5].job.status],
    [1, 1500, "completed"],
  );
});

test("a job that failed says why, with what is unsafe replaced", () => {
  const failed = { ...job, status: "failed", reason: "no quorum\u001b[2J" };
  assert.equal(
    show([{ type: "ended", job: failed }], false, false).stdout,
    "job digits-1 failed after 1 of 2 rounds: no quorum?[2J\n",
  );
});
