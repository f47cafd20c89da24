import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { aggregatorOf, decodeRoundConfig, nameBits } from "@selvedge/learning";
import { encodeSafetensors, type ParameterLayout, parameterLayout, serializeModel } from "@selvedge/onnx";
import {
  type BlobReference,
  type ContributionSchema,
  decodePlan,
  type EnvelopeBody,
  encodePlan,
  evaluationReference,
  type JobEffect,
  type JobState,
  type Metrics,
  type Offer,
  type Receipt,
  SeededRandom,
  type Submission,
  SubmissionSchema,
  signPlan,
} from "@selvedge/protocol";
import {
  BlobKeeper,
  type BlobStore,
  type JournalHooks,
  openMemoryBlobStore,
  openMemoryStore,
  type Store,
} from "@selvedge/storage";
import type { PlanChanges } from "@selvedge/testkit";
import { JobBoard } from "./job-board.ts";
import { JobRecords } from "./job-records.ts";
import { ModelLayouts } from "./model-layouts.ts";
import { smallModel, smallPlan } from "./plan.fixture.ts";
import type { JobRequest } from "./request-desk.ts";

export const layout: ParameterLayout = parameterLayout(smallModel);

/** A store whose commits wait while the gate is closed. */
export class GatedStore implements Store {
  readonly #inner = openMemoryStore();
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  close = (): Promise<void> => this.#inner.close();
  list: Store["list"] = this.#inner.list.bind(this.#inner);
  read: Store["read"] = this.#inner.read.bind(this.#inner);

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

export interface TestBoardOptions {
  readonly rounds?: number;
  readonly cohort?: number;
  /** What is changed of the plan. */
  readonly plan?: Pick<PlanChanges, "aggregator" | "server" | "schedule" | "training" | "task" | "metrics">;
  readonly memoryBytesMax?: number;
  readonly diskBytesFree?: number;
  readonly hooks?: JournalHooks<JobEffect>;
  /** Default: the test fails. */
  readonly onHalt?: (error: unknown) => void;
  readonly onTrouble?: (what: string) => void;
}

/** A board whose devices are a, b and c, as many as the cohort has. */
export interface TestBoard {
  readonly board: JobBoard;
  readonly store: GatedStore;
  readonly blobs: BlobStore;
  /** The model of `request`. */
  readonly graph: BlobReference;
  readonly released: Set<string>;
  /** Devices that are put out, and why. */
  readonly barred: Map<string, string>;
  readonly request: JobRequest;
  /** Another plan under the same id. */
  readonly otherRequest: JobRequest;
  /** By the operator. */
  sign(plan: Uint8Array): JobRequest["signature"];
  /** What has become of `request`, on whichever board there is now. */
  job(): JobState | undefined;
  /** As after a crash: another board on what is durable. */
  restart(): Promise<JobBoard>;
  /** @param update a blob, or the value that each parameter of one moves by. */
  submit(device: string, update: number | BlobReference): Promise<void>;
  /** What a device answers that was asked to measure. */
  submitMetrics(device: string, metrics: Metrics, body?: BlobReference): Promise<void>;
  receipts(): Receipt[];
  idle(): Promise<void>;
}

export async function openTestBoard(options: TestBoardOptions = {}): Promise<TestBoard> {
  const { memoryBytesMax = 1e9, diskBytesFree = 1e9, rounds = 1, cohort = 2 } = options;
  const { hooks, onHalt = assert.fail, onTrouble = assert.fail } = options;
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
      diskBytesFree: async () => diskBytesFree,
      eligible: () => ["a", "b", "c"].slice(0, cohort),
      released: () => undefined,
      setsOf: () => ({ group: "", tags: [] }),
      factsOf: () => ({ memoryBytes: 0, cores: 0, architecture: "", group: "", tags: [] }),
      barredWhy: (device) => barred.get(device),
      send: (device, body) => sent.push({ device, body }) > 0,
      signRound: () => new Uint8Array([1]),
      now: () => 1_000,
      setAlarm: () => undefined,
      sleep: async () => undefined,
      onTrouble: (_job, what, error) => onTrouble(`${what}: ${error.message}`),
      onHalt,
      ...(hooks === undefined ? {} : { hooks }),
    });
  const fleet = { board: openBoard() };
  await fleet.board.start();
  const restart = async (): Promise<JobBoard> => {
    await fleet.board.stop();
    fleet.board = openBoard();
    await fleet.board.start();
    return fleet.board;
  };
  const graph = await blobs.put(serializeModel(smallModel));
  const requestOf = (rounds: number): JobRequest => {
    const plan = encodePlan(smallPlan(graph.digest, graph.length, rounds, cohort, options.plan));
    return { job: "digits", plan, signature: signPlan(plan, operator), evaluationDataset: null };
  };
  const [request, otherRequest] = [requestOf(rounds), requestOf(rounds + 1)];
  const offerTo = (device: string): Offer => {
    const offer = sent.findLast((mail) => mail.device === device && mail.body.case === "offer")?.body;
    return offer?.case === "offer" ? offer.value : assert.fail(`no offer to ${device}`);
  };
  const submit: TestBoard["submit"] = async (device, update) => {
    const offer = offerTo(device);
    const { bytes, ...answer } = answerTo(offer, device, typeof update === "number" ? update : 0);
    const body = typeof update === "number" ? await blobs.put(bytes) : update;
    await fleet.board.submit(device, submissionTo(offer, device, body, answer));
  };
  const submitMetrics: TestBoard["submitMetrics"] = async (device, metrics, body) => {
    const reference = body ?? evaluationReference(metrics);
    const answer = { metrics: { ...metrics } };
    await fleet.board.submit(device, submissionTo(offerTo(device), device, reference, answer));
  };
  const receipts = (): Receipt[] => sent.flatMap(({ body }) => (body.case === "receipt" ? body.value : []));
  const sign = (plan: Uint8Array): JobRequest["signature"] => signPlan(plan, operator);
  const parts = { sign, board: fleet.board, restart, barred, store, blobs, graph, released };
  const now = { idle: () => fleet.board.idle(), job: () => fleet.board.get("digits") };
  return { ...parts, ...now, request, otherRequest, submit, submitMetrics, receipts };
}

/** What the plan's aggregator makes of an update in which each parameter moves by `value`. */
function answerTo(
  offer: Offer,
  device: string,
  value: number,
): { readonly bytes: Uint8Array; readonly format: string; readonly bits: { [name: string]: boolean } } {
  const aggregator = aggregatorOf(decodePlan(offer.plan).plan.aggregator);
  const config = aggregator.parseConfig(decodeRoundConfig(offer.clientConfig, null).aggregator);
  const update = { form: "vector", values: new Float32Array(layout.length).fill(value) } as const;
  const random = SeededRandom.fromSeed(device, offer.round);
  const { body, bits } = aggregator.encode(config, update, random);
  return {
    bytes: body instanceof Float32Array ? encodeSafetensors(layout, body) : body,
    format: aggregator.format,
    bits: { ...nameBits(aggregator, bits) },
  };
}

function submissionTo(
  offer: Offer,
  device: string,
  body: BlobReference,
  answer: Pick<MessageInitShape<typeof ContributionSchema>, "format" | "bits" | "metrics"> = {},
): Submission {
  const contribution = {
    format: offer.phase === "evaluate" ? "evaluation" : "f32",
    ...answer,
    contributors: [device],
    baseVersion: offer.baseVersion,
    weight: 10,
    planDigest: offer.planDigest,
    configDigest: offer.configDigest,
    body: { digest: body.digest, length: BigInt(body.length) },
  };
  return create(SubmissionSchema, { job: offer.job, round: offer.round, contribution });
}
