import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import type { Tensors } from "@selvedge/runtime";
import type { InferRequest } from "../tensors/infer-request.ts";
import type { BatchDecision } from "./batch-policy.ts";
import { RequestQueue } from "./request-queue.ts";

const never = new AbortController().signal;

function request(id: string): InferRequest {
  return { id, feeds: {}, fetches: [], binary: new Set(), timeoutUs: undefined };
}

/** A run that gives back nothing but waits to be let go, and remembers who was run together. */
function heldRuns(refuses: (ids: string) => Error | undefined = () => undefined) {
  const runs: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const run = async (requests: readonly InferRequest[]): Promise<readonly Tensors[]> => {
    const ids = requests.map(({ id }) => id).join("");
    runs.push(ids);
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
    const error = refuses(ids);
    if (error !== undefined) throw error;
    return requests.map(() => ({}));
  };
  const letGo = async (): Promise<void> => {
    gates.shift()?.resolve();
    await new Promise(setImmediate);
  };
  return { runs, run, letGo };
}

test("one run at a time takes what has queued meanwhile", async () => {
  const { runs, run, letGo } = heldRuns();
  const queue = new RequestQueue({
    maxQueue: 9,
    nextBatch: (all) => ({ take: Math.min(all.length, 2) }),
    run,
  });
  const answers = ["a", "b", "c", "d"].map((id) => queue.add(request(id), never));
  assert.equal(queue.pending, 4);
  for (let i = 0; i < 3; i++) await letGo();
  assert.deepEqual(runs, ["a", "bc", "d"]);
  await Promise.all(answers);
  await queue.idle();
  assert.equal(queue.pending, 0);
});

test("[SV20] a wait for more ends when enough have come, when one leaves, and when it has lasted", async () => {
  const { runs, run, letGo } = heldRuns();
  const waits = [60_000, 60_000, 0.1];
  const nextBatch = (all: readonly InferRequest[]): BatchDecision =>
    all.length === 2 ? { take: 2 } : waits.length === 0 ? { take: 1 } : { waitMs: waits.shift() ?? 0 };
  const queue = new RequestQueue({ maxQueue: 9, nextBatch, run });
  const both = [queue.add(request("a"), never), queue.add(request("b"), never)];
  await new Promise(setImmediate);
  await letGo();
  await Promise.all(both);
  const leaving = new AbortController();
  const left = assert.rejects(queue.add(request("c"), leaving.signal), { code: "cancelled" });
  leaving.abort();
  await left;
  await queue.idle();
  assert.equal(queue.pending, 0);
  const last = queue.add(request("d"), never);
  while (runs.length < 2) await new Promise(setImmediate);
  await letGo();
  await last;
  assert.deepEqual(runs, ["ab", "d"]);
});

test("[SV7] the queue is bounded, and an abort frees a place unless the request is being run", async () => {
  const { runs, run, letGo } = heldRuns();
  const queue = new RequestQueue({ maxQueue: 1, nextBatch: () => ({ take: 1 }), run });
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = assert.rejects(queue.add(request("a"), running.signal), { code: "cancelled" });
  const second = assert.rejects(queue.add(request("b"), waiting.signal), { code: "cancelled" });
  await assert.rejects(queue.add(request("c"), never), { code: "resource_exhausted" });
  waiting.abort();
  running.abort();
  await Promise.all([first, second]);
  await assert.rejects(queue.add(request("d"), waiting.signal), { code: "cancelled" });
  const third = queue.add(request("e"), never);
  await letGo();
  await letGo();
  await third;
  assert.deepEqual(runs, ["a", "e"]);
});

test("[SV10] when a run of several is refused each is run alone, so that one cannot spoil another's", async () => {
  const refusal = new SelvedgeError("invalid_argument", "b is bad");
  const { runs, run, letGo } = heldRuns((ids) => (ids.includes("b") ? refusal : undefined));
  const queue = new RequestQueue({ maxQueue: 9, nextBatch: (all) => ({ take: all.length }), run });
  const held = queue.add(request("x"), never);
  const good = queue.add(request("a"), never);
  const bad = assert.rejects(queue.add(request("b"), never), refusal);
  for (let i = 0; i < 4; i++) await letGo();
  await Promise.all([held, good, bad]);
  assert.deepEqual(runs, ["x", "ab", "a", "b"]);
});

test("requests whose process died in their run are not run again", async () => {
  const death = new SelvedgeError("unavailable", "SIGKILL");
  const { runs, run, letGo } = heldRuns((ids) => (ids === "ab" ? death : undefined));
  const queue = new RequestQueue({ maxQueue: 9, nextBatch: (all) => ({ take: all.length }), run });
  const held = queue.add(request("x"), never);
  const both = ["a", "b"].map((id) => assert.rejects(queue.add(request(id), never), death));
  await letGo();
  await letGo();
  await Promise.all([held, ...both]);
  assert.deepEqual(runs, ["x", "ab"]);
});
