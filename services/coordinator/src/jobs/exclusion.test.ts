import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSafetensors, encodeSafetensors, readParameters } from "@selvedge/onnx";
import { Verdict } from "@selvedge/protocol";
import { layout, openTestBoard } from "./job-board.fixture.ts";
import { Crashes, dead } from "./journal-crashes.fixture.ts";
import { smallModel } from "./plan.fixture.ts";

test("[RC10] a device that was barred before a crash is out of every open round before anything goes on", async () => {
  const { board, restart, barred, request, submit, receipts, idle } = await openTestBoard({
    rounds: 1,
    cohort: 3,
  });
  await board.run(request);
  await idle();
  await submit("a", 0.5);
  await idle();
  assert.deepEqual(board.get("digits")?.current?.folded, ["a"]);
  // The standing is durable; the process died before any job was told.
  barred.set("a", "it was revoked: stolen");
  const restarted = await restart();
  assert.match(restarted.get("digits")?.last?.reason ?? "", /opened again without a: it was revoked/);
  await idle();
  assert.equal(restarted.get("digits")?.current?.number, 2);
  await submit("a", 0.5);
  assert.equal(receipts().at(-1)?.verdict, Verdict.REFUSED);
  await submit("b", 0.25);
  await submit("c", 0.75);
  await idle();
  const job = restarted.get("digits");
  assert.deepEqual(
    [job?.status, job?.roundsCompleted, job?.last?.members.a?.status],
    ["completed", 1, "excluded"],
  );
  await restarted.stop();
});

test("[RC10] a device that is barred just as a cohort with it is chosen is put out of it", async () => {
  const { board, barred, request, idle } = await openTestBoard({ rounds: 1, cohort: 3 });
  barred.set("b", "it was quarantined");
  await board.run(request);
  await idle();
  const { members } = board.get("digits")?.current ?? assert.fail("no round is open");
  assert.deepEqual([members.a?.status, members.b?.status], ["offered", "excluded"]);
  await board.stop();
});

test("[RC10] once an exclusion is answered, no job counts on the device", async () => {
  const { board, blobs, request, submit, idle } = await openTestBoard({ rounds: 1, cohort: 3 });
  await board.run(request);
  await idle();
  const update = await blobs.put(encodeSafetensors(layout, new Float32Array(layout.length).fill(0.125)));
  await submit("a", update);
  await board.exclude("a", "it was revoked");
  assert.equal(board.get("digits")?.last?.members.a?.status, "excluded");
  await idle();
  assert.equal(await blobs.stat(update.digest), undefined, "nothing of it is kept");
  await board.stop();
});

test("[RC10] [EN32] whenever the coordinator dies in an exclusion, nothing of the device is in the weights", async () => {
  const done: string[] = [];
  for (let steps = 1; done.at(-1) !== "lived"; steps += 1) {
    const crashes = new Crashes();
    const { hooks } = crashes;
    const fleet = await openTestBoard({ cohort: 3, hooks, onHalt: dead, onTrouble: dead });
    const { barred, blobs, board, idle, request, restart, submit } = fleet;
    await board.run(request);
    await idle();
    await submit("a", 8);
    await submit("b", 0.25);
    await idle();
    crashes.left = steps;
    // What an operator's revocation does: the standing is durable first.
    barred.set("a", "it was revoked");
    const outcome = await board
      .exclude("a", "it was revoked")
      .then(idle)
      .then(
        () => "lived",
        () => "died",
      );
    crashes.left = Number.POSITIVE_INFINITY;
    done.push(outcome);
    const last = outcome === "died" ? await restart() : board;
    await idle();
    await submit("b", 0.25);
    await submit("c", 0.75);
    await idle();
    const job = last.get("digits");
    assert.equal(job?.status, "completed", `after ${steps} steps: ${job?.reason}`);
    const before = readParameters(smallModel, layout);
    const after = decodeSafetensors(await blobs.get(job.base.weights.digest), layout);
    const moved = after.map((value, index) => value - (before[index] ?? 0));
    for (const value of moved) assert.ok(Math.abs(value - 0.5) < 1e-6, `after ${steps} steps: ${value}`);
    await last.stop();
  }
  assert.ok(done.length > 8, `only ${done.length} steps were tried`);
});
