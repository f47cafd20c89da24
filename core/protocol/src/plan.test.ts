import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { digestOf } from "./digest.ts";
import { SelvedgeError } from "./errors.ts";
import {
  type AggregatorBlockSchema,
  AggregatorSpecSchema,
  EarlyStoppingSchema,
  EvaluateTaskSchema,
  MetricTargetSchema,
  PersonalModelSchema,
  type Plan,
  PlanSchema,
  type ScheduleSpec,
  SelectionSpecSchema,
  TaskSchema,
  type TrainTask,
  TrainTaskSchema,
} from "./gen/selvedge/v1/round_pb.js";

import { soundPlan } from "./plan.fixture.ts";
import { decodePlan, encodePlan } from "./plan.ts";

test("[OF1] a plan's digest is that of the bytes as they came", () => {
  const bytes = encodePlan(soundPlan());
  assert.equal(decodePlan(bytes).digest, digestOf(bytes));
  // An unknown field changes nothing that is read, and still changes the digest.
  const extended = Buffer.concat([bytes, Buffer.from([0xf8, 0x07, 0x01])]);
  assert.notEqual(decodePlan(extended).digest, digestOf(bytes));
});

const train = (change: Partial<TrainTask>) => (plan: Plan) => {
  if (plan.task?.kind.case === "train") Object.assign(plan.task.kind.value, change);
};
const schedule = (change: Partial<ScheduleSpec>) => (plan: Plan) => {
  if (plan.schedule !== undefined) Object.assign(plan.schedule, change);
};

test("[OF8] blocks of an aggregator are in order, each once, with options of their own; only fedavg.2 has them", () => {
  const encoded = (blocks: MessageInitShape<typeof AggregatorBlockSchema>[], algorithm = "fedavg.2") => {
    const plan = soundPlan();
    train({ algorithm })(plan);
    plan.aggregator = create(AggregatorSpecSchema, { name: "weighted-mean", blocks });
    return () => encodePlan(plan);
  };
  const sound = [
    { name: "zeroing", quantile: 0.9 },
    { name: "clipping", bound: 2 },
    { name: "sampling", fraction: 0.5 },
    { name: "quantisation", bits: 8 },
  ];
  encoded(sound)();
  assert.throws(encoded(sound, "fedavg"), /algorithm/);
  assert.throws(encoded([], "fedavg.2"), /algorithm/);
  const spoilt: readonly (readonly [RegExp, MessageInitShape<typeof AggregatorBlockSchema>[]])[] = [
    [/"blur" is not one of/, [{ name: "blur" }]],
    [
      /"clipping" has to stand before "quantisation": it measures/,
      [{ name: "quantisation", bits: 8 }, { name: "clipping" }],
    ],
    [/"zeroing" has to stand before "clipping": it looks/, [{ name: "clipping" }, { name: "zeroing" }]],
    [/"clipping" stands there twice/, [{ name: "clipping" }, { name: "clipping" }]],
    [/bits: "quantisation" needs it/, [{ name: "quantisation" }]],
    [/fraction: "sampling" needs it/, [{ name: "sampling" }]],
    [/bits: 17 is outside 1 to 16/, [{ name: "quantisation", bits: 17 }]],
    [/quantile: 1 is outside/, [{ name: "clipping", quantile: 1 }]],
    [/multiplier: "clipping" has only/, [{ name: "clipping", multiplier: 2 }]],
    [/quantile: is for a bound that moves/, [{ name: "clipping", bound: 1, quantile: 0.5 }]],
  ];
  for (const [message, blocks] of spoilt) assert.throws(encoded(blocks), message);
});

const selection = (change: MessageInitShape<typeof SelectionSpecSchema>) =>
  schedule({ selection: create(SelectionSpecSchema, change) });

const spoilt: Readonly<Record<string, (plan: Plan) => void>> = {
  "task.algorithm": train({ algorithm: "fedmagic" }),
  "task.loss": train({ loss: "hinge" }),
  "task.optimizer": train({ optimizer: "lion" }),
  "task.learning_rate": train({ learningRate: Number.NaN }),
  "task.batch_size": train({ batchSize: 0 }),
  "task.local_epochs": train({ localEpochs: 1_001 }),
  "task.held_out_fraction": train({ heldOutFraction: 1 }),
  "task.max_examples_per_device": train({ maxExamplesPerDevice: 0 }),
  name: (plan) => Object.assign(plan, { name: "No/Name" }),
  model: (plan) => Object.assign(plan.model ?? {}, { digest: "sha1:00" }),
  "model.length": (plan) => Object.assign(plan.model ?? {}, { length: 0n }),
  "dataset.name": (plan) => Object.assign(plan.dataset ?? {}, { name: "" }),
  "dataset.input_shape": (plan) => Object.assign(plan.dataset ?? {}, { inputShape: [0] }),
  "dataset.classes": (plan) => Object.assign(plan.dataset ?? {}, { classes: 1 }),
  aggregator: (plan) => Object.assign(plan.aggregator ?? {}, { name: "product" }),
  server_optimizer: (plan) => Object.assign(plan.serverOptimizer ?? {}, { name: "fedsgd" }),
  "server_optimizer.momentum": (plan) => Object.assign(plan.serverOptimizer ?? {}, { momentum: 0.9 }),
  "server_optimizer.beta1": (plan) =>
    Object.assign(plan.serverOptimizer ?? {}, { name: "fedadam", beta1: 1 }),
  "server_optimizer.learning_rate": (plan) => Object.assign(plan.serverOptimizer ?? {}, { learningRate: -1 }),
  metrics: (plan) => Object.assign(plan, { metrics: ["secrets"] }),
  protections: (plan) => plan.protections.push({ ...soundProtection, name: "noise" }),
  phases: (plan) => Object.assign(plan, { phases: ["train"] }),
  "schedule.over_selection": schedule({ overSelection: 0.5 }),
  "schedule.selection.name": selection({ name: "favourites" }),
  "schedule.selection.probability": selection({ name: "poisson" }),
  "schedule.selection.candidates": selection({ name: "loss", candidates: 2 }),
  "schedule.selection.requires.tags": selection({ name: "uniform", requires: { tags: ["No Name"] } }),
  "schedule.rounds": schedule({ rounds: 0 }),
  "schedule.cohort": schedule({ cohort: 10_001 }),
  "schedule.quorum": schedule({ quorum: 4 }),
  "schedule.deadline_ms": schedule({ deadlineMs: 10 }),
  "schedule.grace_ms": schedule({ graceMs: 60_001 }),
  "schedule.target_accuracy": schedule({ targetAccuracy: 1.1 }),
};

const options = (change: MessageInitShape<typeof TrainTaskSchema>) => {
  const made = Object.entries(create(TrainTaskSchema, change)).filter(([name]) => name in change);
  return train({ algorithm: "fedavg.2", ...Object.fromEntries(made) });
};

const spoiltSettings: readonly (readonly [field: string, (plan: Plan) => void])[] = [
  ["algorithm", train({ frozen: ["w"] })],
  ["algorithm", train({ algorithm: "fedavg.2" })],
  ["loss", options({ loss: "binary-cross-entropy", lossOptions: {} })],
  ["loss_options.positive_weight", options({ lossOptions: { positiveWeight: 2 } })],
  ["loss_options.class_weights", options({ lossOptions: { classWeights: [1, 2] } })],
  ["loss_options.class_weights", options({ lossOptions: { classWeights: Array(10).fill(-1) } })],
  ["loss_options.label_smoothing", options({ lossOptions: { labelSmoothing: 1 } })],
  ["optimizer_options.beta1", options({ optimizerOptions: { beta1: 0.9 } })],
  ["optimizer_options.momentum", options({ optimizerOptions: { momentum: Number.NaN } })],
  ["optimizer_options.nesterov", options({ optimizer: "adam", optimizerOptions: { nesterov: true } })],
  ["gradient_options.clip_norm", options({ gradientOptions: { clipNorm: 0 } })],
  ["frozen", options({ frozen: [""] })],
  ["frozen", options({ frozen: Array(101).fill("w") })],
  ["personal", options({ personal: [""] })],
  ["population", options({ algorithm: "scaffold" })],
  ["population", options({ algorithm: "scaffold", population: 1 })],
  ["population", train({ population: 10 })],
  ["alpha", options({ algorithm: "scaffold", population: 100, alpha: 1 })],
  ["alpha", options({ algorithm: "feddyn", population: 100 })],
  ["alpha", options({ algorithm: "feddyn", population: 100, alpha: 0 })],
  ["optimizer", options({ algorithm: "scaffold", population: 100, optimizer: "adam" })],
  [
    "gradient_options.proximal",
    options({ algorithm: "feddyn", population: 100, alpha: 1, gradientOptions: { proximal: 1 } }),
  ],
  ["q", options({ algorithm: "qfedavg" })],
  ["q", options({ frozen: ["w"], q: 1 })],
  ["q", options({ algorithm: "qfedavg", q: 11 })],
  ["beta", options({ algorithm: "mimelite", beta: 1 })],
  ["batch_size", options({ algorithm: "mimelite", beta: 0.9, maxExamplesPerDevice: 65_537, batchSize: 1 })],
  ["optimizer", options({ algorithm: "mimelite", beta: 0.9, optimizer: "adam" })],
  ["population", options({ algorithm: "fednova", population: 10 })],
  ["optimizer", options({ algorithm: "fednova", optimizer: "adam" })],
  [
    "gradient_options.proximal",
    options({
      algorithm: "fednova",
      optimizerOptions: { momentum: 0.5 },
      gradientOptions: { proximal: 1 },
    }),
  ],
  ["gradient_options.proximal", options({ algorithm: "fednova", gradientOptions: { proximal: 10 } })],
  ["schedule.by_step", options({ algorithm: "fednova", schedule: { decay: "cosine", byStep: true } })],
  ["keep_optimizer_state", options({ keepOptimizerState: true })],
  ["custom_loss_output", options({ loss: "custom" })],
  ["custom_loss_output", options({ customLossOutput: "loss" })],
  ["custom_loss_output", options({ loss: "custom", customLossOutput: "l".repeat(257) })],
  ["loss_options.delta", options({ loss: "custom", customLossOutput: "loss", lossOptions: { delta: 1 } })],
  ["accumulate", options({ accumulate: 65_537 })],
  ["local_steps", options({ localSteps: 1_000_001 })],
  ["local_epochs", options({ localSteps: 5, localEpochs: 2 })],
  ["algorithm", train({ partialWork: true })],
  ["schedule.decay", options({ schedule: { decay: "exponential" } })],
  ["schedule.warmup_rounds", options({ schedule: { decay: "constant", warmupRounds: 3 } })],
  ["schedule.final_factor", options({ schedule: { decay: "constant", finalFactor: 0.1 } })],
  ["schedule.final_factor", options({ schedule: { decay: "cosine", finalFactor: Number.NaN } })],
  ["schedule.every_rounds", options({ schedule: { decay: "step", factor: 0.5 } })],
  ["schedule.factor", options({ schedule: { decay: "step", everyRounds: 1 } })],
  ["schedule.factor", options({ schedule: { decay: "linear", factor: 0.5 } })],
];

for (const [field, spoil] of spoiltSettings) {
  test(`[OF1] a plan whose training settings are wrong is refused: ${field}`, () => {
    const plan = soundPlan();
    spoil(plan);
    assert.throws(() => decodePlan(toBinary(PlanSchema, plan)), { at: `plan.task.${field}` });
  });
}

test("[OF8] settings beyond loss, optimizer and rate are taken with the algorithm that says so", () => {
  const plan = soundPlan();
  const optimizerOptions = { beta1: 0.8, epsilon: 1e-6 };
  options({ optimizer: "adam", optimizerOptions, frozen: ["a.*"], gradientOptions: { proximal: 0.1 } })(plan);
  const { train: task } = decodePlan(encodePlan(plan));
  assert.deepEqual([task.optimizerOptions?.beta1, task.frozen], [0.8, ["a.*"]]);
});

const robust: readonly (readonly [
  field: string,
  aggregator: MessageInitShape<typeof AggregatorSpecSchema>,
  schedule: Partial<ScheduleSpec>,
])[] = [
  ["aggregator.robust", { name: "weighted-mean", robust: {} }, {}],
  ["aggregator.robust.trim", { name: "trimmed-mean" }, { cohort: 9, quorum: 9 }],
  ["aggregator.robust.trim", { name: "trimmed-mean", robust: { trim: 0.5 } }, { cohort: 9, quorum: 9 }],
  ["aggregator.robust.byzantine", { name: "median", robust: { byzantine: 1 } }, { cohort: 9, quorum: 9 }],
  [
    "aggregator.robust.multiple",
    { name: "norm-filter", robust: { multiple: 0.5 } },
    { cohort: 9, quorum: 9 },
  ],
  ["schedule.quorum", { name: "median" }, { cohort: 9, quorum: 2 }],
  ["schedule.quorum", { name: "trimmed-mean", robust: { trim: 0.2 } }, { cohort: 9, quorum: 4 }],
  ["schedule.quorum", { name: "krum", robust: { byzantine: 2 } }, { cohort: 9, quorum: 6 }],
  [
    "schedule.quorum",
    { name: "multi-krum", robust: { byzantine: 2, selected: 6 } },
    { cohort: 9, quorum: 7 },
  ],
  ["schedule.quorum", { name: "bulyan", robust: { byzantine: 2 } }, { cohort: 12, quorum: 10 }],
  ["schedule.cohort", { name: "krum", robust: { byzantine: 2 } }, { cohort: 1_001, quorum: 7 }],
];

function withRule(
  aggregator: MessageInitShape<typeof AggregatorSpecSchema>,
  schedule: Partial<ScheduleSpec>,
): Plan {
  const plan = soundPlan();
  plan.aggregator = create(AggregatorSpecSchema, aggregator);
  Object.assign(plan.schedule ?? {}, schedule);
  return plan;
}

for (const [field, aggregator, schedule] of robust) {
  test(`[RA2] a robust rule without what it needs is refused: ${field} of ${JSON.stringify(aggregator)}`, () => {
    const bytes = toBinary(PlanSchema, withRule(aggregator, schedule));
    assert.throws(() => decodePlan(bytes), { at: `plan.${field}` });
  });
}

test("[RA2] a robust rule that every quorum suffices is taken", () => {
  encodePlan(withRule({ name: "krum", robust: { byzantine: 2 } }, { cohort: 9, quorum: 7 }));
});

const soundProtection: Plan["protections"][number] = {
  $typeName: "selvedge.v1.Protection",
  name: "",
  parameters: {},
};

for (const [field, spoil] of Object.entries(spoilt)) {
  test(`[OF1] a plan whose ${field} is out of range is refused, and the field is named`, () => {
    const plan = soundPlan();
    spoil(plan);
    assert.throws(
      () => decodePlan(toBinary(PlanSchema, plan)),
      (error) => error instanceof SelvedgeError && error.at === `plan.${field}`,
    );
  });
}

test("[OF7] a plan with an optional metric that is not known is taken without it", () => {
  const plan = Object.assign(soundPlan(), {
    metrics: ["examples"],
    optionalMetrics: ["eval_true_positives", "of a later version"],
  });
  assert.deepEqual(decodePlan(toBinary(PlanSchema, plan)).metrics, ["examples", "eval_true_positives"]);
});

test("[SU4] a plan names measures of what it learns, and counts of every class by one name", () => {
  const measured = (metrics: string[], change: (plan: Plan) => void = () => {}) => {
    const plan = Object.assign(soundPlan(), { metrics: ["examples"], optionalMetrics: metrics });
    change(plan);
    return decodePlan(toBinary(PlanSchema, plan)).metrics;
  };
  assert.deepEqual(measured(["eval_top_3_correct", "eval_log_loss"]), [
    "examples",
    "eval_top_3_correct",
    "eval_log_loss",
  ]);
  const counted = measured(["eval_class_counts"]);
  assert.deepEqual([counted.length, counted.at(-1)], [31, "eval_false_negatives_9"]);
  const refused = (metric: string, problem: RegExp, change?: (plan: Plan) => void) =>
    assert.throws(() => measured([metric], change), { at: "plan.metrics", message: problem });
  refused("eval_top_10_correct", /of 10 classes is always all of them/);
  refused("eval_class_counts", /at most 100 classes/, (plan) =>
    Object.assign(plan.dataset ?? {}, { classes: 101 }),
  );
  refused("eval_numbers", /needs numbers/);
  const binary = (plan: Plan) => {
    Object.assign(plan.dataset ?? {}, { classes: 2 });
    train({ loss: "binary-cross-entropy" })(plan);
  };
  refused("eval_log_loss", /needs classes, and the loss softmax-cross-entropy/, binary);
  // Of a later version, or of no version.
  assert.deepEqual(measured(["eval_top_1_correct", "eval_top_05_correct"]), ["examples"]);
});

test("[OF1] a target and early stopping are of a metric that the plan measures", () => {
  const target = (metric: string): Plan => {
    const plan = Object.assign(soundPlan(), { optionalMetrics: ["eval_class_counts"] });
    const bound = { case: "atLeast", value: 0.9 } as const;
    schedule({ target: create(MetricTargetSchema, { metric, bound }) })(plan);
    return plan;
  };
  for (const metric of ["accuracy", "macro_f1", "f1_9"]) encodePlan(target(metric));
  for (const metric of ["f1", "f1_10", "perplexity", "eval_loss"]) {
    assert.throws(() => encodePlan(target(metric)), { at: "plan.schedule.target.metric" });
  }
  const stopping = soundPlan();
  schedule({ earlyStopping: create(EarlyStoppingSchema, { metric: "loss", patience: 0 }) })(stopping);
  assert.throws(() => encodePlan(stopping), { at: "plan.schedule.early_stopping.patience" });
});

/** As `soundPlan`, of devices that measure. */
function evaluationPlan(change: MessageInitShape<typeof TrainTaskSchema> = {}): Plan {
  const plan = soundPlan();
  const settings = create(TrainTaskSchema, {
    ...{ algorithm: "fedavg", loss: "softmax-cross-entropy", optimizer: "sgd" },
    ...{ heldOutFraction: 0.1, maxExamplesPerDevice: 100 },
    ...change,
  });
  const kind = { case: "evaluate", value: create(EvaluateTaskSchema, { settings }) } as const;
  const { aggregator: _aggregator, serverOptimizer: _server, ...rest } = plan;
  return create(PlanSchema, { ...rest, task: create(TaskSchema, { kind }), phases: ["evaluate", "submit"] });
}

test("[EV1] a plan may have devices measure and train nothing", () => {
  const { evaluate, train, metrics } = decodePlan(encodePlan(evaluationPlan()));
  assert.deepEqual([evaluate?.allExamples, train.heldOutFraction], [false, 0.1]);
  assert.ok(metrics.includes("eval_loss"));
  assert.equal(decodePlan(encodePlan(soundPlan())).evaluate, null);
});

test("[EV1] a plan that measures has nothing that only a training has a use for", () => {
  const refusals: [string, MessageInitShape<typeof TrainTaskSchema>][] = [
    ["task.algorithm", { algorithm: "scaffold", population: 3 }],
    ["task.personal", { algorithm: "fedavg.2", personal: ["*"] }],
    ["task.held_out_fraction", { heldOutFraction: 1 }],
    ["task.loss", { loss: "huber" }],
  ];
  for (const [field, change] of refusals) {
    assert.throws(() => encodePlan(evaluationPlan(change)), { at: `plan.${field}` });
  }
  assert.throws(() => encodePlan(Object.assign(evaluationPlan(), { phases: ["train", "submit"] })), {
    at: "plan.phases",
  });
  const reached = evaluationPlan();
  schedule({ targetAccuracy: 0.9 })(reached);
  assert.throws(() => encodePlan(reached), { at: "plan.schedule" });
});

test("[EV5] a plan that trains may have devices measure in rounds of their own", () => {
  const plan = soundPlan();
  schedule({ evaluateEvery: 2 })(plan);
  assert.throws(() => encodePlan(plan), { at: "plan.phases" });
  encodePlan(Object.assign(plan, { phases: ["train", "evaluate", "submit"] }));
  const evaluation = evaluationPlan();
  schedule({ evaluateEvery: 2 })(evaluation);
  assert.throws(() => encodePlan(evaluation), { at: "plan.schedule.evaluate_every" });
});

test("[EV6] a plan with models of devices' own lets them report of these what it lets them report of the common one", () => {
  const personalModel = create(PersonalModelSchema, {
    ...{ kind: "ditto", proximal: 0.1, localEpochs: 1, learningRate: 0.1 },
  });
  const plan = soundPlan();
  train({ algorithm: "fedavg.2", personalModel })(plan);
  const { metrics } = decodePlan(encodePlan(plan));
  assert.deepEqual(
    metrics.filter((name) => name.startsWith("personal_")),
    metrics.filter((name) => name.startsWith("eval_")).map((name) => name.replace("eval_", "personal_")),
  );
  train({ algorithm: "fedavg" })(plan);
  assert.throws(() => encodePlan(plan), { at: "plan.task.algorithm" });
});

test("[EV6] models of devices' own are where they can be trained and measured", () => {
  const refusals: [string, MessageInitShape<typeof PersonalModelSchema>, Partial<TrainTask>?][] = [
    ["kind", { kind: "other" }],
    ["kind", { kind: "fine-tuning", proximal: 0 }],
    ["proximal", { proximal: -1 }],
    ["local_epochs", { localEpochs: 0 }],
    ["learning_rate", { learningRate: 0 }],
    ["held_out_fraction", {}, { heldOutFraction: 0 }],
  ];
  const ditto = { kind: "ditto", proximal: 0.1, localEpochs: 1, learningRate: 0.1 };
  for (const [field, change, other = {}] of refusals) {
    const plan = soundPlan();
    const personalModel = create(PersonalModelSchema, { ...ditto, ...change });
    train({ algorithm: "fedavg.2", personalModel, ...other })(plan);
    const at = field === "held_out_fraction" ? `plan.task.${field}` : `plan.task.personal_model.${field}`;
    assert.throws(() => encodePlan(plan), { at });
  }
  const tuning = { ...ditto, kind: "fine-tuning", proximal: 0 };
  const settings = { algorithm: "fedavg.2", batchSize: 32 };
  encodePlan(evaluationPlan({ ...settings, personalModel: tuning }));
  assert.throws(() => encodePlan(evaluationPlan({ ...settings, personalModel: ditto })), {
    at: "plan.task.personal_model.kind",
  });
});

test("[EV1] a kind of task that this version does not know is refused", () => {
  const { task: _task, ...rest } = soundPlan();
  // A task of the kind 8, which nobody knows yet.
  const task = Buffer.from([0x12, 0x02, 0x42, 0x00]);
  const bytes = Buffer.concat([toBinary(PlanSchema, create(PlanSchema, rest)), task]);
  assert.throws(() => decodePlan(bytes), { at: "plan.task", code: "invalid_argument" });
});

test("[OF1] a plan whose weights could not be summed exactly is refused", () => {
  const plan = soundPlan();
  schedule({ cohort: 10_000, quorum: 1 })(plan);
  train({ maxExamplesPerDevice: 2_000_000 })(plan);
  assert.throws(() => encodePlan(plan), /max_examples_per_device/);
});

test("[OF1] bytes that are no plan are refused", () => {
  assert.throws(() => decodePlan(Buffer.from([0xff, 0xff])), { code: "corrupt" });
  assert.throws(() => decodePlan(Buffer.alloc(70_000)), { code: "too_large" });
});
