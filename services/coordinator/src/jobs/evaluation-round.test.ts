import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, Verdict } from "@selvedge/protocol";
import { openTestBoard } from "./job-board.fixture.ts";

const metrics = ["eval_loss", "eval_accuracy", "eval_examples"];

test("[EV3] an evaluation's figures are those of all examples together, no weights move, and no blob is left", async () => {
  const { board, blobs, request, submitMetrics, idle } = await openTestBoard({
    plan: { task: "evaluate", metrics },
  });
  const { base } = await board.run(request);
  await idle();
  await submitMetrics("a", { eval_loss: 1, eval_accuracy: 0.5, eval_examples: 10 });
  await submitMetrics("b", { eval_loss: 4, eval_accuracy: 1, eval_examples: 20 });
  await idle();
  const job = board.get("digits") ?? assert.fail("the job is gone");
  assert.deepEqual([job.status, job.model, job.base], ["completed", null, base]);
  assert.deepEqual(job.last?.federated, { eval_loss: 3, eval_accuracy: 25 / 30, eval_examples: 30 });
  const needed = new Set(board.blobs());
  for await (const { digest } of blobs.list()) assert.ok(needed.has(digest) || digest === configDigest);
  await board.stop();
});

const configDigest = digestOf(Buffer.from('{"phase":"evaluate"}'));

test("[EV2] a body that is not that of the metrics, and a metric that the plan does not name, are refused", async () => {
  const { board, blobs, request, submitMetrics, receipts, idle } = await openTestBoard({
    cohort: 3,
    plan: { task: "evaluate", metrics },
  });
  await board.run(request);
  await idle();
  await submitMetrics("c", { eval_loss: 1 });
  await submitMetrics("a", { eval_loss: 1 }, await blobs.put(Buffer.from("more than metrics")));
  await submitMetrics("b", { seconds: 1 });
  await idle();
  assert.deepEqual(
    receipts().map(({ verdict, reason }) => [verdict, reason]),
    [
      [Verdict.ACCEPTED, ""],
      [Verdict.REFUSED, "the body is not that of its metrics"],
      [Verdict.REFUSED, 'metric "seconds" is not in the plan'],
    ],
  );
  await board.stop();
});

test("nobody may upload for an evaluation, and it goes on where a coordinator stopped", async () => {
  const { board, request, restart, submitMetrics, idle } = await openTestBoard({
    plan: { task: "evaluate", metrics },
  });
  await board.run(request);
  await idle();
  assert.equal(await board.admitUpload("a", digestOf(Buffer.from("anything"))), 0);
  await submitMetrics("a", { eval_loss: 1, eval_examples: 1 });
  const again = await restart();
  await submitMetrics("b", { eval_loss: 3, eval_examples: 1 });
  await again.idle();
  assert.equal(again.get("digits")?.last?.federated.eval_loss, 2);
  await again.stop();
});
