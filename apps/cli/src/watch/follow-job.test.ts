import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Job, JobSchema, SelvedgeError } from "@selvedge/protocol";
import { followJob, type JobNews } from "./follow-job.ts";

const job = (init: MessageInitShape<typeof JobSchema>): Job =>
  create(JobSchema, { id: "a", status: "running", rounds: 3, ...init });
const done = (number: number): { number: number; status: string } => ({ number, status: "completed" });
const unavailable = new SelvedgeError("unavailable", "connection refused");

/** Follows a job over streams that a test scripts, one after the other. */
async function news(
  ...streams: readonly (readonly (Job | SelvedgeError)[])[]
): Promise<{ told: string[]; pauses: number[] }> {
  const pauses: number[] = [];
  const told: string[] = [];
  let opened = 0;
  async function* open(): AsyncGenerator<{ job: Job }> {
    for (const entry of streams[opened++] ?? assert.fail("opened too often")) {
      if (entry instanceof SelvedgeError) throw entry;
      yield { job: entry };
    }
  }
  for await (const entry of followJob({ open, pause: async (ms) => void pauses.push(ms) }))
    told.push(describe(entry));
  return { told, pauses };
}

function describe(entry: JobNews): string {
  return "round" in entry ? `${entry.type} ${entry.round.number}` : entry.type;
}

test("each round is told once, also when changes came merged", async () => {
  const { told } = await news([
    job({ status: "waiting" }),
    job({ current: { number: 1 } }),
    job({ current: { number: 1 } }),
    job({ history: [done(1), done(2)], current: { number: 3 } }),
    job({ history: [done(1), done(2), done(3)], status: "completed" }),
  ]);
  assert.deepEqual(told, [
    "waiting",
    "progress 1",
    "progress 1",
    "round 1",
    "round 2",
    "progress 3",
    "round 3",
    "ended",
  ]);
});

test("a coordinator that restarts is asked again, and nothing is told twice", async () => {
  const first = [job({ history: [done(1)], current: { number: 2 } }), unavailable];
  const last = [job({ history: [done(1), done(2)], status: "failed" })];
  const { told, pauses } = await news(first, [unavailable], last);
  assert.deepEqual(told, ["round 1", "progress 2", "lost", "lost", "round 2", "ended"]);
  assert.deepEqual(pauses, [500, 1_000]);
});

test("a stream that ends before the job does is opened again", async () => {
  const { told } = await news([job({ current: { number: 1 } })], [job({ status: "cancelled" })]);
  assert.deepEqual(told, ["progress 1", "lost", "ended"]);
});

test("a coordinator that was never there, or stays away, is an error", async () => {
  await assert.rejects(news([unavailable]), unavailable);
  const gone = Array.from({ length: 20 }, () => [unavailable]);
  await assert.rejects(news([job({ current: { number: 1 } }), unavailable], ...gone), unavailable);
});

test("an error that waiting does not cure is not retried", async () => {
  const unknown = new SelvedgeError("not_found", "no job");
  await assert.rejects(news([job({ current: { number: 1 } }), unknown]), unknown);
});
