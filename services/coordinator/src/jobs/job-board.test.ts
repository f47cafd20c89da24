import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type Digest, digestOf, SubmissionSchema, Verdict } from "@selvedge/protocol";
import { openTestBoard } from "./job-board.fixture.ts";
import { JobRecords } from "./job-records.ts";

test("[AK2] no receipt leaves before the contribution it accepts is durable", async () => {
  const { board, store, request, submit, receipts, idle } = await openTestBoard();
  await board.run(request);
  await idle();
  store.shut();
  const submitted = submit("a", 0.5);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(receipts(), []);
  store.open();
  await submitted;
  await idle();
  assert.deepEqual(
    receipts().map((receipt) => receipt.verdict),
    [Verdict.ACCEPTED],
  );
  await board.stop();
});

test("a job runs through its rounds to a model, and keeps no blob it does not need", async () => {
  const { board, blobs, request, submit, idle } = await openTestBoard({ rounds: 2 });
  await board.run(request);
  for (let round = 1; round <= 2; round += 1) {
    await idle();
    await submit("a", 0.25 * round);
    await submit("b", 0.75 * round);
  }
  await idle();
  const job = board.get("digits") ?? assert.fail("the job is gone");
  assert.equal(job.status, "completed");
  const needed = new Set(board.blobs());
  const kept: string[] = [];
  for await (const { digest } of blobs.list()) kept.push(digest);
  // The configuration of the rounds is the same each time, and small: it goes with the next sweep.
  assert.equal(kept.filter((digest) => !needed.has(digest)).length, 1);
  await board.stop();
});

test("[SU6] a device that names the model or a release as its update loses the round, and nobody the blob", async () => {
  const { board, blobs, graph, released, request, submit, receipts, idle } = await openTestBoard();
  const release = await blobs.put(Buffer.from("a released model"));
  released.add(release.digest);
  await board.run(request);
  await idle();
  await submit("a", graph);
  await submit("b", release);
  await idle();
  assert.deepEqual(
    receipts().map((receipt) => receipt.verdict),
    [Verdict.REFUSED, Verdict.ROUND_CLOSED],
  );
  assert.deepEqual(await blobs.stat(graph.digest), graph);
  assert.deepEqual(await blobs.stat(release.digest), release);
  await board.stop();
});

test("[AK5] equal updates of two devices share a blob, which neither takes from the other", async () => {
  const { board, request, submit, idle } = await openTestBoard();
  await board.run(request);
  await idle();
  await submit("a", 0.5);
  const second = submit("b", 0.5);
  await idle();
  await second;
  await idle();
  assert.equal(board.get("digits")?.status, "completed");
  await board.stop();
});

test("[OF10] a plan that makes two choices which do not go together is refused", async () => {
  const training = { algorithm: "feddyn", population: 2, alpha: 0.1 };
  const { board, request } = await openTestBoard({
    plan: { training, server: { name: "fedadam", learningRate: 1 } },
  });
  await assert.rejects(board.run(request), {
    code: "invalid_argument",
    message: /"server: fedadam", because/,
  });
  await board.stop();
});

test("[RE8] a plan whose training takes more memory than the coordinator allows is refused, with both figures", async () => {
  const { board, request } = await openTestBoard({ rounds: 1, cohort: 2, memoryBytesMax: 100_000_000 });
  await assert.rejects(board.run(request), {
    code: "too_large",
    message: /takes about \d+ MB of memory on every device; this coordinator allows 100 MB/,
  });
  assert.equal([...board.all()].length, 0);
  await board.stop();
});

test("the same request starts nothing twice, and another plan under its id is refused", async () => {
  const { board, request, idle } = await openTestBoard();
  await board.run(request);
  await board.run(request);
  await idle();
  assert.equal([...board.all()].length, 1);
  const tampered = { ...request, plan: Buffer.concat([request.plan, Buffer.from([0xf8, 0x07, 0x01])]) };
  await assert.rejects(board.run(tampered), { code: "untrusted" });
  await board.stop();
});

test("of two plans at once under one id one runs, with its own signature, and the other is refused", async () => {
  const { board, store, request, otherRequest, idle } = await openTestBoard();
  const [first, second] = await Promise.allSettled([board.run(request), board.run(otherRequest)]);
  assert.equal(first.status, "fulfilled");
  assert.equal(second.status === "rejected" && second.reason.code, "already_exists");
  await idle();
  assert.deepEqual(
    (await new JobRecords(store).readSignature("digits"))?.signature,
    Buffer.from(request.signature.signature),
  );
  await board.stop();
});

test("[AK4] a submission to a job that nobody knows is refused, so that it is not sent for ever", async () => {
  const { board, receipts } = await openTestBoard();
  const body = { digest: digestOf(Buffer.from("update")), length: 6n };
  await board.submit("a", create(SubmissionSchema, { job: "gone", round: 1, contribution: { body } }));
  assert.deepEqual(
    receipts().map(({ job, digest, verdict }) => [job, digest, verdict]),
    [["gone", body.digest, Verdict.REFUSED]],
  );
  await board.stop();
});

test("a device has room for two uploads in an open round, and what it does not submit goes with the round", async () => {
  const { board, blobs, request, submit, idle } = await openTestBoard({ rounds: 2 });
  const upload = async (text: string): Promise<Digest> => {
    const { digest } = await blobs.put(Buffer.from(text));
    assert.ok((await board.admitUpload("a", digest)) > 0);
    return digest;
  };
  await board.run(request);
  await idle();
  assert.equal(await board.admitUpload("stranger", digestOf(Buffer.from("x"))), 0);
  const [first, second, third] = [await upload("1"), await upload("2"), await upload("3")];
  await idle();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await blobs.stat(first), undefined);
  assert.notEqual(await blobs.stat(second), undefined);
  await submit("a", 0.5);
  assert.equal(await board.admitUpload("a", third), 0, "it has contributed");
  await submit("b", 0.5);
  await idle();
  assert.deepEqual([await blobs.stat(second), await blobs.stat(third)], [undefined, undefined]);
  await board.stop();
});

test("what a server optimizer keeps outlives the coordinator", async () => {
  const trainedWith = async (restarts: boolean): Promise<Digest | undefined> => {
    const server = { name: "fedadam", learningRate: 0.1 };
    const { board, restart, request, submit, idle } = await openTestBoard({ rounds: 3, plan: { server } });
    let current = board;
    await board.run(request);
    for (const update of [0.25, -0.5, 0.125]) {
      await idle();
      if (restarts) current = await restart();
      await submit("a", update);
      await submit("b", update);
    }
    await idle();
    await current.stop();
    return current.get("digits")?.base.weights.digest;
  };
  const undisturbed = await trainedWith(false);
  assert.notEqual(undisturbed, undefined);
  assert.equal(await trainedWith(true), undisturbed);
});
