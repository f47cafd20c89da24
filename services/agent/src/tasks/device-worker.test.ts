import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { buildMlp, encodeSafetensors, parameterLayout, readParameters, serializeModel } from "@selvedge/onnx";
import {
  type BlobReference,
  digestOf,
  type EnvelopeBody,
  evaluationReference,
  keyIdOf,
  type Policy,
  RoundClosedSchema,
  SelvedgeError,
} from "@selvedge/protocol";
import {
  createReleaseRepository,
  generateSigningKey,
  signRound,
  TrustStore,
  verifyRound,
} from "@selvedge/registry";
import { BlobKeeper, openMemoryBlobStore, openMemoryStore, type Store } from "@selvedge/storage";
import type { AuditEntry } from "../audit-log.ts";
import { type OfferChanges, signedOffer } from "../offers/offer.fixture.ts";
import { blobsOf } from "./blobs-of.ts";
import { DeviceWorker } from "./device-worker.ts";
import type { KeptUpdate } from "./trainer.ts";

const now = Date.parse("2026-11-24T12:00:00Z");
const model = buildMlp({ inputShape: [4], hidden: [3], classes: 2, seed: 1 });
const layout = parameterLayout(model);

/** A worker with real verification, storage in memory, and a trainer that answers at once. */
async function setUp({
  upload = async (): Promise<void> => undefined,
  download = async (): Promise<void> => undefined,
  store = openMemoryStore() as Store,
  kept = null as KeptUpdate | null,
} = {}) {
  const operator = generateKeyPairSync("ed25519").privateKey;
  const keys = {
    root: generateSigningKey(),
    release: generateSigningKey(),
    online: generateSigningKey(),
    round: generateSigningKey(),
  };
  const metadata = createReleaseRepository({ keys, now });
  const documents: Record<string, Uint8Array> = {
    "timestamp.json": metadata.timestamp,
    "1.snapshot.json": metadata.snapshot,
    "1.targets.json": metadata.targets,
  };
  const trust = await TrustStore.open({ store: openMemoryStore(), rootBytes: metadata.root, now: () => now });
  await trust.update(async (name) => documents[name]);
  const coordinatorBlobs = openMemoryBlobStore();
  const graph = await coordinatorBlobs.put(serializeModel(model));
  const base = await coordinatorBlobs.put(encodeSafetensors(layout, readParameters(model, layout)));
  const trace: string[] = [];
  const sent: EnvelopeBody[] = [];
  let policy: Policy = {
    signers: [keyIdOf(createPublicKey(operator))],
    plans: null,
    tasks: ["train", "evaluate"],
    minimumCohort: 1,
    maxExamplesPerDevice: 1_000,
    hours: null,
    customLoss: false,
    statistics: true,
    classCounts: true,
    maxBytesPerDay: null,
    maxKeptJobs: 16,
    maxKeptBytes: 1e9,
  };
  const audited: AuditEntry[] = [];
  const installed = new Set<string>();
  let broken: SelvedgeError | undefined;
  const blobs = openMemoryBlobStore();
  const worker: DeviceWorker = new DeviceWorker({
    deviceId: "device-1",
    store,
    blobs,
    channel: {
      async upload(reference: BlobReference) {
        trace.push(`upload ${reference.digest}`);
        await upload();
      },
      async download(reference, offset, sink) {
        await download();
        await sink(offset, (await coordinatorBlobs.get(reference.digest)).subarray(offset));
      },
    },
    trainer: {
      train: async () => ({
        layout,
        update: new Float32Array(layout.length).fill(0.25),
        examples: 7,
        metrics: { examples: 7 },
        kept,
      }),
      measure: async () => ({ examples: 5, metrics: { eval_loss: 0.5, eval_examples: 5, secret: 1 } }),
      summarise: async () => ({
        statistics: [{ name: "a", count: 10, sum: 20n, squares: 40n, range: null }],
        examples: 10,
      }),
    },
    audit: {
      async append(entry) {
        trace.push(`audit ${entry.digest}`);
        audited.push(entry);
      },
    },
    operatorKeys: [createPublicKey(operator)],
    datasetProblem: async () => null,
    keeper: new BlobKeeper({
      blobs,
      needed: () => [...installed, ...blobsOf(worker.state)],
      clock: { monotonic: () => 0 },
      timers: { after: () => () => undefined },
      graceMs: 0,
      onError: assert.fail,
    }),
    connected: () => true,
    send: (body) => void sent.push(body),
    async policy() {
      if (broken !== undefined) throw broken;
      return policy;
    },
    keepForMs: async () => 60_000,
    verifyBase: async (bytes, expected) =>
      verifyRound(bytes, { ...expected, delegation: trust.roundDelegation(), now }),
    minuteOfDay: () => 720,
    now: () => now,
    setAlarm: () => undefined,
    sleep: async () => undefined,
    onTrouble: () => undefined,
    onHalt: assert.fail,
  });
  await worker.start();
  const offer = (signer = keys.round, round = 1, changes: OfferChanges = {}) =>
    signedOffer(operator, {
      ...changes,
      round,
      model: graph,
      base,
      parameters: layout.length,
      roundMetadata: signRound({ job: "digits", round: 1, weights: base, expires: now + 60_000 }, signer),
    });
  return {
    worker,
    blobs,
    sent,
    trace,
    audited,
    keys,
    offer,
    setPolicy: (next: Partial<Policy>) => {
      policy = { ...policy, ...next };
    },
    base,
    installed,
    breakPolicy: (error: SelvedgeError) => {
      broken = error;
    },
  };
}

function answers(sent: readonly EnvelopeBody[]): string[] {
  return sent.flatMap((body) => {
    if (body.case !== "offerReply") return [];
    const { answer } = body.value;
    return answer.case === "declined" ? `declined: ${answer.value.reason}` : (answer.case ?? "");
  });
}

test("[SU8] the audit line of a payload is written before its first byte leaves", async () => {
  const { worker, offer, sent, trace } = await setUp();
  await worker.offer(offer());
  await worker.idle();
  const digest = trace[0]?.split(" ")[1];
  assert.deepEqual(trace, [`audit ${digest}`, `upload ${digest}`]);
  const submission = sent.find((body) => body.case === "submission");
  assert.equal(submission?.value.contribution?.body?.digest, digest);
  assert.equal(submission?.value.contribution?.weight, 7);
  await worker.stop();
});

test("[SU7] an upload that fails is repeated by the timer of its task alone, and not after its end", async () => {
  const { worker, offer, trace } = await setUp({
    upload: async () => {
      throw new SelvedgeError("not_found", "no such blob");
    },
  });
  const uploads = () => trace.filter((entry) => entry.startsWith("upload"));
  await worker.offer(offer());
  await worker.idle();
  assert.equal(uploads().length, 1);
  const { job, round } = offer();
  await worker.roundClosed(create(RoundClosedSchema, { job, round }));
  await worker.connected("epoch");
  await worker.idle();
  assert.equal(uploads().length, 1);
  await worker.stop();
});

test("[SU7] what waits in the outbox is sent though the disk was full when the session began", async () => {
  const records = openMemoryStore();
  let refusals = 0;
  const store: Store = {
    read: (key) => records.read(key),
    list: (prefix, options) => records.list(prefix, options),
    async commit(transaction) {
      refusals -= 1;
      if (refusals >= 0) throw new SelvedgeError("resource_exhausted", "the disk is full");
      await records.commit(transaction);
    },
    close: () => records.close(),
  };
  const { worker, offer, sent } = await setUp({ store });
  await worker.offer(offer());
  await worker.idle();
  const submissions = (): number => sent.filter((body) => body.case === "submission").length;
  assert.equal(submissions(), 1);
  refusals = 3;
  await worker.connected("epoch");
  await worker.idle();
  assert.equal(submissions(), 2);
  await worker.stop();
});

test("a training that was called off while it waited for the link is not taken up again", async () => {
  const gate = Promise.withResolvers<void>();
  let downloads = 0;
  const { worker, offer, blobs, trace } = await setUp({
    download: async () => {
      downloads += 1;
      if (downloads > 1) return;
      await gate.promise;
      throw new SelvedgeError("unavailable", "the link broke");
    },
  });
  await worker.offer(offer());
  const { job, round } = offer();
  await worker.roundClosed(create(RoundClosedSchema, { job, round }));
  gate.resolve();
  await worker.idle();
  assert.equal(downloads, 1);
  assert.deepEqual(trace, []);
  for await (const { digest } of blobs.list()) assert.fail(`${digest} is left`);
  await worker.stop();
});

test("[OF6] a device declines a base that the round key does not vouch for", async () => {
  const { worker, keys, offer, sent, trace } = await setUp();
  await worker.offer(offer(keys.release));
  await worker.offer(offer(keys.round, 2));
  assert.equal(answers(sent).length, 2);
  for (const answer of answers(sent)) assert.match(answer, /^declined: /);
  assert.deepEqual(trace, []);
  await worker.stop();
});

test("[OF3] a device declines what its owner's policy does not allow, as the policy is now", async () => {
  const { worker, offer, sent, setPolicy } = await setUp();
  setPolicy({ minimumCohort: 3 });
  await worker.offer(offer());
  assert.match(answers(sent)[0] ?? "", /^declined: policy minimumCohort/);
  setPolicy({ minimumCohort: 2 });
  await worker.offer(offer());
  await worker.idle();
  assert.equal(answers(sent)[1], "accepted");
  await worker.stop();
});

test("[OF3] a policy that cannot be read allows nothing, and the coordinator is told why", async () => {
  const { worker, offer, sent, breakPolicy } = await setUp();
  breakPolicy(new SelvedgeError("invalid_argument", "minimumCohort: not a number"));
  await worker.offer(offer());
  assert.deepEqual(answers(sent), ["declined: minimumCohort: not a number"]);
  await worker.stop();
});

test("[OF3] an owner who gives no counts of classes gives those of two classes as little as those of many", async () => {
  const { worker, offer, sent, setPolicy } = await setUp();
  setPolicy({ classCounts: false });
  await worker.offer(offer());
  await worker.idle();
  assert.match(answers(sent)[0] ?? "", /^declined: policy classCounts: /);
  await worker.stop();
});

test("a base that is an installed model stays when its round closes", async () => {
  const { worker, blobs, base, installed, offer } = await setUp();
  installed.add(base.digest);
  await worker.offer(offer());
  await worker.idle();
  await worker.roundClosed(create(RoundClosedSchema, { job: "digits", round: 1 }));
  await worker.idle();
  assert.deepEqual(await blobs.stat(base.digest), base);
  await worker.stop();
});

test("[DS5] statistics are answered like training, and stand in the audit log as they leave", async () => {
  const { worker, offer, sent, trace, audited, keys } = await setUp();
  await worker.offer(offer(keys.round, 1, { statistics: true }));
  await worker.idle();
  const columns = [{ name: "a", count: 10, sum: "20", squares: "40" }];
  assert.deepEqual(
    audited.map(({ kind, statistics }) => ({ kind, statistics })),
    [{ kind: "statistics", statistics: { columns } }],
  );
  const [digest] = audited.map((entry) => entry.digest);
  assert.deepEqual(trace, [`audit ${digest}`, `upload ${digest}`]);
  const submission = sent.find((body) => body.case === "submission")?.value.contribution;
  assert.deepEqual([submission?.format, submission?.weight], ["statistics", 10]);
  assert.deepEqual(submission?.metrics, {});
  await worker.stop();
});

test("[EV2] of an evaluation nothing but metrics that the plan names leaves, after an audit line, and nothing is uploaded", async () => {
  const { worker, offer, sent, trace, audited, keys } = await setUp();
  await worker.offer(offer(keys.round, 1, { evaluate: true }));
  await worker.idle();
  const metrics = { eval_loss: 0.5, eval_examples: 5 };
  assert.deepEqual(
    audited.map((entry) => [entry.kind, entry.examples, entry.metrics]),
    [["evaluation", 5, metrics]],
  );
  const { digest, length } = evaluationReference(metrics);
  assert.deepEqual(trace, [`audit ${digest}`]);
  const submission = sent.find((body) => body.case === "submission")?.value.contribution;
  assert.deepEqual([submission?.format, submission?.weight], ["evaluation", 5]);
  assert.deepEqual([submission?.body?.digest, submission?.body?.length], [digest, BigInt(length)]);
  assert.deepEqual(submission?.metrics, metrics);
  await worker.stop();
});

test("the audit log says of what stays on the device what it is", async () => {
  const kept = { bytes: Buffer.from("moments"), isContinued: false };
  const { worker, offer, audited, keys } = await setUp({ kept });
  await worker.offer(offer(keys.round, 1, { keepOptimizerState: true }));
  await worker.idle();
  const stays = { personal: [], optimizerState: true, model: false, correction: false };
  assert.deepEqual(
    audited.map((entry) => entry.kept),
    [{ digest: digestOf(kept.bytes), bytes: 7, ...stays }],
  );
  await worker.stop();
});

test("[OF3] an owner who gives no statistics declines, and says by which rule", async () => {
  const { worker, offer, sent, audited, keys, setPolicy } = await setUp();
  setPolicy({ statistics: false });
  await worker.offer(offer(keys.round, 1, { statistics: true }));
  await worker.idle();
  assert.deepEqual(answers(sent), ["declined: policy statistics: none are given"]);
  assert.deepEqual(audited, []);
  await worker.stop();
});
