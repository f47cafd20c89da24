import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { encodeSafetensors, parameterLayout, serializeModel } from "@selvedge/onnx";
import {
  type BlobReference,
  type Digest,
  digestOf,
  type EnvelopeBody,
  encodePlan,
  type Offer,
  type Receipt,
  SubmissionSchema,
  signPlan,
  Verdict,
} from "@selvedge/protocol";
import { BlobKeeper, openMemoryBlobStore, openMemoryStore, type Store } from "@selvedge/storage";
import { JobBoard } from "./job-board.ts";
import { JobRecords } from "./job-records.ts";
import { ModelLayouts } from "./model-layouts.ts";
import { smallModel, smallPlan } from "./plan.fixture.ts";

const layout = parameterLayout(smallModel);

/** A store whose commits wait while the gate is closed. */
class GatedStore implements Store {
  readonly #inner = openMemoryStore();
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  close = (): Promise<void> => this.#inner.close();
  list = this.#inner.list.bind(this.#inner);
  read = this.#inner.read.bind(this.#inner);

  async commit(transaction: Parameters<Store["commit"]>[0]): Promise<void> {
    await this.#gate;
    await this.#inner.commit(transaction);
  }

  shut(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#open = resolve;
  }

  open(): void {
    this.#open();
  }
}

async function setUp(rounds = 1, cohort = 2, memoryBytesMax = 1e9) {
  const operator = generateKeyPairSync("ed25519").privateKey;
  const store = new GatedStore();
  const blobs = openMemoryBlobStore();
  const released = new Set<string>();
  const sent: { device: string; body: EnvelopeBody }[] = [];
  const barred = new Map<string, string>();
  const openBoard = (): JobBoard =>
    new JobBoard({
      store,
      blobs,
      keeper: new BlobKeeper({
        blobs,
        needed: () => [...released, ...fleet.board.blobs()],
        clock: { monotonic: () => 0 },
        timers: { after: () => () => undefined },
        graceMs: 0,
        onError: assert.fail,
      }),
      records: new JobRecords(store),
      layouts: new ModelLayouts(blobs),
      evaluator: { mismatch: async () => null, evaluate: async () => ({ accuracy: 0.5 }) },
      operatorKeys: () => [createPublicKey(operator)],
      evaluationDatasets: new Set(),
      memoryBytesMax,
      eligible: () => ["a", "b", "c"].slice(0, cohort),
      barredWhy: (device) => barred.get(device),
      send: (device, body) => sent.push({ device, body }) > 0,
      signRound: () => new Uint8Array([1]),
      now: () => 1_000,
      setAlarm: () => undefined,
      sleep: async () => undefined,
      onTrouble: (_job, what, error) => assert.fail(`${what}: ${error.message}`),
      onHalt: assert.fail,
    });
  const fleet = { board: openBoard() };
  await fleet.board.start();
  /** As after a crash: another board on what is durable. */
  const restart = async (): Promise<JobBoard> => {
    await fleet.board.stop();
    fleet.board = openBoard();
    await fleet.board.start();
    return fleet.board;
  };
  const graph = await blobs.put(serializeModel(smallModel));
  const plan = encodePlan(smallPlan(graph.digest, graph.length, rounds, cohort));
  const request = { job: "digits", plan, signature: signPlan(plan, operator), evaluationDataset: null };
  const offerTo = (device: string): Offer => {
    const offer = sent.findLast((mail) => mail.device === device && mail.body.case === "offer")?.body;
    return offer?.case === "offer" ? offer.value : assert.fail(`no offer to ${device}`);
  };
  const submit = async (device: string, update: number | BlobReference): Promise<void> => {
    const offer = offerTo(device);
    const body =
      typeof update === "number"
        ? await blobs.put(encodeSafetensors(layout, new Float32Array(layout.length).fill(update)))
        : update;
    const contribution = {
      format: "f32",
      contributors: [device],
      baseVersion: offer.baseVersion,
      weight: 10,
      planDigest: offer.planDigest,
      configDigest: offer.configDigest,
      body: { digest: body.digest, length: BigInt(body.length) },
    };
    const submission = create(SubmissionSchema, { job: "digits", round: offer.round, contribution });
    await fleet.board.submit(device, submission);
  };
  const receipts = (): Receipt[] => sent.flatMap(({ body }) => (body.case === "receipt" ? body.value : []));
  const idle = (): Promise<void> => fleet.board.idle();
  const { board } = fleet;
  return { board, restart, barred, store, blobs, graph, released, request, submit, receipts, idle };
}

test("[AK2] no receipt leaves before the contribution it accepts is durable", async () => {
  const { board, store, request, submit, receipts, idle } = await setUp();
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
  const { board, blobs, request, submit, idle } = await setUp(2);
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
  const { board, blobs, graph, released, request, submit, receipts, idle } = await setUp();
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
  const { board, request, submit, idle } = await setUp();
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

test("[RE8] a plan whose training takes more memory than the coordinator allows is refused, with both figures", async () => {
  const { board, request } = await setUp(1, 2, 100_000_000);
  await assert.rejects(board.run(request), {
    code: "resource_exhausted",
    message: /takes about \d+ MB of memory on every device; this coordinator allows 100 MB/,
  });
  assert.equal([...board.all()].length, 0);
  await board.stop();
});

test("the same request starts nothing twice, and another plan under its id is refused", async () => {
  const { board, request, idle } = await setUp();
  await board.run(request);
  await board.run(request);
  await idle();
  assert.equal([...board.all()].length, 1);
  const tampered = { ...request, plan: Buffer.concat([request.plan, Buffer.from([0xf8, 0x07, 0x01])]) };
  await assert.rejects(board.run(tampered), { code: "untrusted" });
  await board.stop();
});

test("[AK4] a submission to a job that nobody knows is refused, so that it is not sent for ever", async () => {
  const { board, receipts } = await setUp();
  const body = { digest: digestOf(Buffer.from("update")), length: 6n };
  await board.submit("a", create(SubmissionSchema, { job: "gone", round: 1, contribution: { body } }));
  assert.deepEqual(
    receipts().map(({ job, digest, verdict }) => [job, digest, verdict]),
    [["gone", body.digest, Verdict.REFUSED]],
  );
  await board.stop();
});

test("a device has room for two uploads in an open round, and what it does not submit goes with the round", async () => {
  const { board, blobs, request, submit, idle } = await setUp(2);
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

test("[RC10] a device that was barred before a crash is out of every open round before anything goes on", async () => {
  const { board, restart, barred, request, submit, receipts, idle } = await setUp(1, 3);
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
  const { board, barred, request, idle } = await setUp(1, 3);
  barred.set("b", "it was quarantined");
  await board.run(request);
  await idle();
  const { members } = board.get("digits")?.current ?? assert.fail("no round is open");
  assert.deepEqual([members.a?.status, members.b?.status], ["offered", "excluded"]);
  await board.stop();
});

test("[RC10] once an exclusion is answered, no job counts on the device", async () => {
  const { board, blobs, request, submit, idle } = await setUp(1, 3);
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
