import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { decodeRoundConfig, encodeStatistics, scaleFeatures, summariseColumns } from "@selvedge/learning";
import {
  decodeSafetensors,
  encodeSafetensors,
  parameterLayout,
  parseModel,
  scaleInput,
  serializeModel,
  writeParameters,
} from "@selvedge/onnx";
import {
  type BlobReference,
  DatasetRequestSchema,
  type EnvelopeBody,
  encodePlan,
  type Metrics,
  type Offer,
  phasesOf,
  type Receipt,
  SubmissionSchema,
  signPlan,
  type TableSchema,
  tableSchemaOf,
  Verdict,
} from "@selvedge/protocol";
import { BlobKeeper, openMemoryBlobStore, openMemoryStore } from "@selvedge/storage";
import type { EvaluationTask } from "./evaluator.ts";
import { JobBoard } from "./job-board.ts";
import { JobRecords } from "./job-records.ts";
import { ModelLayouts } from "./model-layouts.ts";
import { smallModel, smallPlan } from "./plan.fixture.ts";

const layout = parameterLayout(smallModel);
const kinds = ["standard", "min-max", "none", "standard"];
const columns = kinds.map((normalisation, index) => ({
  name: `c${index}`,
  type: "number",
  values: [],
  missing: "error",
  constant: "",
  normalisation,
}));
const label = { name: "label", values: ["0", "1"] };

/** A coordinator's jobs in memory, with devices a and b, and a job of one round over a table. */
class TableJob {
  readonly store = openMemoryStore();
  readonly blobs = openMemoryBlobStore();
  readonly sent: { readonly device: string; readonly body: EnvelopeBody }[] = [];
  readonly evaluated: EvaluationTask[] = [];
  readonly table: TableSchema;
  readonly #operator = generateKeyPairSync("ed25519").privateKey;
  readonly #mismatch: string | null;
  board: JobBoard;

  constructor(mismatch: string | null = null) {
    this.#mismatch = mismatch;
    this.table = tableSchemaOf(this.#plan("", 1).dataset ?? assert.fail()) ?? assert.fail();
    this.board = this.#open();
  }

  async start(): Promise<void> {
    const graph = await this.blobs.put(serializeModel(smallModel));
    const plan = encodePlan(this.#plan(graph.digest, graph.length));
    const signature = signPlan(plan, this.#operator);
    await this.board.start();
    await this.board.run({ job: "motes", plan, signature, evaluationDataset: "held-out" });
    await this.board.idle();
  }

  /** As after a crash: another board on what is durable. */
  async restart(): Promise<void> {
    await this.board.stop();
    this.board = this.#open();
    await this.board.start();
  }

  offerTo(device: string): Offer {
    const offer = this.sent.findLast((mail) => mail.device === device && mail.body.case === "offer")?.body;
    return offer?.case === "offer" ? offer.value : assert.fail(`no offer to ${device}`);
  }

  async submit(device: string, body: BlobReference, format: string, metrics: Metrics = {}): Promise<Receipt> {
    const { baseVersion, round, planDigest, configDigest } = this.offerTo(device);
    const rest = { format, baseVersion, planDigest, configDigest, metrics: { ...metrics } };
    const blob = { digest: body.digest, length: BigInt(body.length) };
    const contribution = { contributors: [device], weight: 10, body: blob, ...rest };
    await this.board.submit(device, create(SubmissionSchema, { job: "motes", round, contribution }));
    await this.board.idle();
    const receipt = this.sent.findLast(
      (mail) => mail.device === device && mail.body.case === "receipt",
    )?.body;
    return receipt?.case === "receipt" ? receipt.value : assert.fail("no receipt");
  }

  /** What a device with these ten rows says. */
  async statistics(rows: Float32Array): Promise<BlobReference> {
    const all = Int32Array.from({ length: 10 }, (_, row) => row);
    return this.blobs.put(encodeStatistics(summariseColumns(this.table, rows, all)));
  }

  async update(value: number): Promise<BlobReference> {
    return this.blobs.put(encodeSafetensors(layout, new Float32Array(layout.length).fill(value)));
  }

  #plan(digest: string, length: number): ReturnType<typeof smallPlan> {
    const plan = smallPlan(digest, length, 1, 2);
    Object.assign(plan, { metrics: ["examples"] });
    const dataset = create(DatasetRequestSchema, {
      ...{ name: "readings", inputShape: [4], classes: 2 },
      ...{ columns, label },
    });
    return { ...plan, dataset, phases: [...phasesOf(tableSchemaOf(dataset))] };
  }

  #open(): JobBoard {
    const { blobs, store } = this;
    return new JobBoard({
      store,
      blobs,
      keeper: new BlobKeeper({
        blobs,
        needed: () => this.board.blobs(),
        clock: { monotonic: () => 0 },
        timers: { after: () => () => undefined },
        graceMs: 0,
        onError: assert.fail,
      }),
      records: new JobRecords(store),
      layouts: new ModelLayouts(blobs),
      evaluator: {
        mismatch: async () => this.#mismatch,
        evaluate: async (task) => ({ accuracy: this.evaluated.push(task) }),
      },
      operatorKeys: () => [createPublicKey(this.#operator)],
      evaluationDatasets: new Set(["held-out"]),
      memoryBytesMax: 1e9,
      diskBytesFree: async () => 1e9,
      eligible: () => ["a", "b"],
      released: () => undefined,
      setsOf: () => ({ group: "", tags: [] }),
      factsOf: () => ({ memoryBytes: 0, cores: 0, architecture: "", group: "", tags: [] }),
      barredWhy: () => undefined,
      send: (device, body) => this.sent.push({ device, body }) > 0,
      signRound: () => new Uint8Array([1]),
      now: () => 1_000,
      setAlarm: () => undefined,
      sleep: async () => undefined,
      onTrouble: (_job, what, error) => assert.fail(`${what}: ${error.message}`),
      onHalt: assert.fail,
    });
  }
}

const rowsOfA = Float32Array.from({ length: 40 }, (_, index) => index);
const rowsOfB = Float32Array.from({ length: 40 }, (_, index) => 100 - index);

test("[DS6] what devices say of their columns scales the round after it, its evaluation, and the final model", async () => {
  const job = new TableJob();
  await job.start();
  assert.equal(job.offerTo("a").phase, "statistics");
  await job.submit("a", await job.statistics(rowsOfA), "statistics");
  await job.restart();
  await job.submit("b", await job.statistics(rowsOfB), "statistics");

  const offer = job.offerTo("b");
  assert.deepEqual([offer.phase, offer.round], ["train", 2]);
  const { scaling } = decodeRoundConfig(offer.clientConfig, job.table);
  const first = [...rowsOfA, ...rowsOfB].filter((_, index) => index % 4 === 0);
  const mean = first.reduce((sum, value) => sum + value, 0) / 20;
  const deviation = Math.sqrt(first.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 20);
  assert.equal(scaling?.[0]?.offset, mean);
  assert.ok(Math.abs((scaling?.[0]?.factor ?? 0) - 1 / deviation) < 1e-8);
  assert.deepEqual(scaling?.[1], { offset: 1, factor: Math.fround(1 / 98), mean: null });
  assert.deepEqual(scaling?.[2], { offset: 0, factor: 1, mean: null });

  await job.submit("a", await job.update(0.5), "f32");
  await job.submit("b", await job.update(0.5), "f32");
  const state = job.board.get("motes") ?? assert.fail();
  assert.equal(state.status, "completed", state.reason ?? "");
  assert.deepEqual(
    job.evaluated.map((task) => task.scaling),
    [scaling],
  );
  const trained = decodeSafetensors(await job.blobs.get(state.base.weights.digest), layout);
  const file = writeParameters(serializeModel(smallModel), layout, trained);
  const model = scaleInput(parseModel(file), scaleFeatures(job.table, scaling));
  const final = await job.blobs.get(state.model?.digest ?? assert.fail());
  assert.deepEqual(Buffer.from(final), Buffer.from(serializeModel(model)));
  await job.board.stop();
});

test("[DS5] statistics that are not what the plan asks for put the device out of the round", async () => {
  const job = new TableJob();
  await job.start();
  const secret = await job.blobs.put(Buffer.from('{"columns":[],"note":"a secret"}'));
  const refused = await job.submit("a", secret, "statistics");
  assert.equal(refused.verdict, Verdict.REFUSED);
  assert.equal(job.board.get("motes")?.last?.status, "failed");
  await job.board.stop();
});

test("[DS5] statistics come without metrics, and are looked at only when they are here", async () => {
  const job = new TableJob();
  await job.start();
  const body = await job.statistics(rowsOfA);
  const elsewhere = { ...body, digest: `sha256:${"0".repeat(64)}` } as BlobReference;
  assert.equal((await job.submit("a", elsewhere, "statistics")).verdict, Verdict.BODY_MISSING);
  assert.equal((await job.submit("a", body, "statistics", { examples: 10 })).verdict, Verdict.REFUSED);
  await job.board.stop();
});

test("[DS4] a job whose evaluation data is of another form is refused before it starts, with both shapes", async () => {
  const shapes =
    'dataset "held-out" has examples of shape [5] and 2 classes; the model takes examples of shape [4]';
  const job = new TableJob(shapes);
  await assert.rejects(job.start(), { code: "failed_precondition", message: shapes });
  assert.equal(job.board.get("motes"), undefined);
  await job.board.stop();
});
