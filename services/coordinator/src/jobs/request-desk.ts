import type { KeyObject } from "node:crypto";
import { aggregatorOf, checkComposition } from "@selvedge/learning";
import { encodeSafetensors, readParameters } from "@selvedge/onnx";
import {
  type BlobReference,
  type CheckedPlan,
  decodePlan,
  fallsAsItImproves,
  isRobust,
  type JobEvent,
  type JobPlan,
  type JobState,
  keptModels,
  namePattern,
  type OperatorSignature,
  rawPublicKey,
  type ScheduleSpec,
  SelvedgeError,
  scaledTable,
  sentModels,
  verifyPlan,
  type WeightsOrigin,
} from "@selvedge/protocol";
import { type BlobKeeper, KeyedQueue } from "@selvedge/storage";
import { checkDisk } from "./check-disk.ts";
import { checkKeeping, checkOrigin, type OriginChecks } from "./check-origin.ts";
import { checkEvaluation, checkModel, type RequestChecks } from "./check-request.ts";
import type { JobRecords } from "./job-records.ts";
import type { ModelLayouts } from "./model-layouts.ts";
import { noStrategies, type Strategies } from "./server-step.ts";

export interface RequestDeskOptions extends RequestChecks, OriginChecks {
  /** Operators whose plans run here. */
  operatorKeys(): readonly KeyObject[];
  readonly records: JobRecords;
  /** What the operator has installed; absent: nothing. */
  readonly strategies?: Strategies;
  readonly keeper: BlobKeeper;
  /** Unix milliseconds. */
  now(): number;
  /** @returns the new job. */
  create(job: string, event: Extract<JobEvent, { type: "created" }>): Promise<JobState | undefined>;
}

export interface JobRequest {
  readonly job: string;
  readonly plan: Uint8Array;
  readonly signature: OperatorSignature;
  /** null = rounds are not evaluated by the coordinator. */
  readonly evaluationDataset: string | null;
  /** Whose weights the plan's model is said to come with. */
  readonly origin?: WeightsOrigin;
  /** After how many rounds each the weights are kept. */
  readonly keepEvery?: number;
  /** The job file as JSON. */
  readonly source?: string;
}

/** Where operators ask for jobs: what a plan needs is checked and stored before its job begins. */
export class RequestDesk {
  readonly #options: RequestDeskOptions;
  /** Requests of one job id take turns, so that the signature beside a job is that of its plan. */
  readonly #inTurn = new KeyedQueue();

  constructor(options: RequestDeskOptions) {
    this.#options = options;
  }

  /**
   * Starts a job; the same request again starts nothing and gives the same job.
   *
   * @throws SelvedgeError `invalid_argument`, `untrusted` (signature), `not_found`
   *   (model not uploaded, unknown dataset, strategy not installed), `already_exists` (the id is another plan's),
   *   and as `checkKeeping`, `checkOrigin`, `checkComposition`, `checkModel`, `checkEvaluation` and `checkDisk`.
   */
  async take(request: JobRequest): Promise<JobState> {
    const { job } = request;
    if (!namePattern.test(job))
      throw new SelvedgeError("invalid_argument", `"${job.slice(0, 80)}" is not a job id`);
    const plan = decodePlan(request.plan);
    checkComposition(plan);
    checkKeeping(request, plan);
    const signer = verifyPlan(request.plan, request.signature, this.#options.operatorKeys());
    const signature = { ...request.signature, publicKey: rawPublicKey(signer) };
    return this.#inTurn.run(job, () => this.#start({ ...request, signature }, plan));
  }

  async #start(request: JobRequest, plan: CheckedPlan): Promise<JobState> {
    const { jobOf, keeper, layouts, strategies = noStrategies } = this.#options;
    const { job, evaluationDataset } = request;
    const known = jobOf(job);
    if (known !== undefined) return repeated(job, known, plan);
    await checkEvaluation(evaluationDataset, plan, this.#options);
    const { strategy = "" } = plan.plan.serverOptimizer ?? {};
    if (strategy !== "") await strategies.pathOf(strategy);
    return keeper.holding(async (holder) => {
      await keeper.hold(holder, plan.model.digest);
      await checkModel(plan, this.#options);
      const weights = await initialWeights(plan.model, layouts);
      await checkOrigin(request.origin, plan, weights, this.#options);
      await checkDisk(plan, weights.length, this.#options.diskBytesFree);
      return this.#create(request, plan, weights, holder);
    });
  }

  async #create(
    request: JobRequest,
    plan: CheckedPlan,
    initial: Uint8Array,
    holder: string,
  ): Promise<JobState> {
    const { create, keeper, now, records } = this.#options;
    const { job, signature, source } = request;
    const weights = await keeper.put(holder, initial);
    await records.writeSignature(job, signature);
    if (source !== undefined) await records.writeSource(job, source);
    const body = await keeper.put(holder, request.plan);
    const facts = jobPlan(plan, body, request);
    const state = await create(job, { type: "created", plan: facts, weights, now: now() });
    if (state === undefined) throw new SelvedgeError("internal", `job ${job} was not created`);
    return state;
  }
}

/** The weights a plan's model comes with: version 0 of a job. */
async function initialWeights(model: BlobReference, layouts: ModelLayouts): Promise<Uint8Array> {
  const layout = await layouts.of(model);
  return encodeSafetensors(layout, readParameters(await layouts.model(model), layout));
}

function jobPlan(
  plan: CheckedPlan,
  body: JobPlan["body"],
  { evaluationDataset, keepEvery, origin, signature: { keyId: signer } }: JobRequest,
): JobPlan {
  const { aggregator: { name: aggregator = "" } = {}, schedule } = plan.plan;
  return {
    name: plan.plan.name,
    digest: plan.digest,
    body,
    model: plan.model,
    signer,
    rounds: schedule?.rounds ?? 0,
    cohort: schedule?.cohort ?? 0,
    quorum: schedule?.quorum ?? 0,
    deadlineMs: schedule?.deadlineMs ?? 0,
    graceMs: schedule?.graceMs ?? 0,
    targetAccuracy: schedule?.targetAccuracy ?? 0,
    ...jobGoal(schedule),
    maxExamplesPerDevice: plan.train.maxExamplesPerDevice,
    evaluationDataset,
    ...(plan.evaluate !== null && { task: "evaluate" }),
    ...(origin !== undefined && { origin }),
    ...(keepEvery !== undefined && { keepEvery }),
    ...(schedule?.evaluateEvery && { evaluateEvery: schedule.evaluateEvery }),
    ...(scaledTable(plan) !== null && { statistics: true }),
    ...(schedule?.overSelection && { closesAt: schedule.cohort }),
    ...(keptModels(plan.train) > 0 && { keeps: true }),
    ...(sentModels(plan.train) > 1 && { sends: sentModels(plan.train) }),
    ...(isRobust(aggregator) && plan.evaluate === null && { atOnce: aggregator }),
    ...(isPacked(plan) && { format: "packed" }),
  };
}

function isPacked({ plan, evaluate }: CheckedPlan): boolean {
  return evaluate === null && aggregatorOf(plan.aggregator).format === "packed";
}

function jobGoal(schedule: ScheduleSpec | undefined): Pick<JobPlan, "target" | "earlyStopping"> {
  const { target, earlyStopping } = schedule ?? {};
  return {
    ...(target?.bound.case !== undefined && {
      target: { metric: target.metric, bound: target.bound.case, value: target.bound.value },
    }),
    ...(earlyStopping !== undefined && {
      earlyStopping: {
        metric: earlyStopping.metric,
        falls: fallsAsItImproves(earlyStopping.metric),
        patience: earlyStopping.patience,
        minDelta: earlyStopping.minDelta,
      },
    }),
  };
}

function repeated(job: string, known: JobState, plan: CheckedPlan): JobState {
  if (known.plan.digest === plan.digest) return known;
  throw new SelvedgeError("already_exists", `job "${job}" already runs another plan`, {
    fix: "give the new job another id",
  });
}
