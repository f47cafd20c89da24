import assert from "node:assert/strict";
import { test } from "node:test";
import { plannedTraining } from "@selvedge/onnx";
import { decodePlan, digestOf, encodePlan, type Plan } from "@selvedge/protocol";
import { buildPlan } from "./build-plan.ts";
import { parseJobFile } from "./job-file.ts";

const text = `name: digits
model: { builder: mlp, input: [784], hidden: [200, 200], classes: 10 }
dataset: { name: digits, inputShape: [784], classes: 10 }
learningRate: 0.1
rounds: 10
cohort: 10
quorum: 8
deadline: 2m
target: 0.97
evaluation: mnist-test
seed: 9007199254740991
serverLearningRate: 0.5
metrics: [examples, eval_accuracy]
`;

const model = { digest: digestOf(new Uint8Array([1])), length: 1 };

test("a plan says what the job file says, and passes the check of every party", () => {
  const { plan, train, ...checked } = decodePlan(
    encodePlan(buildPlan(parseJobFile(text, "job.yaml"), model)),
  );
  assert.deepEqual(checked.model, model);
  assert.equal(plan.name, "digits");
  assert.deepEqual(
    { ...plan.dataset, $typeName: undefined },
    { $typeName: undefined, name: "digits", inputShape: [784], classes: 10, columns: [] },
  );
  assert.deepEqual([train.learningRate, train.batchSize, train.localEpochs], [0.1, 32, 1]);
  assert.deepEqual([train.heldOutFraction, train.maxExamplesPerDevice], [0.1, 10_000]);
  const { rounds, cohort, quorum, deadlineMs, graceMs, targetAccuracy } = plan.schedule ?? assert.fail();
  assert.deepEqual(
    [rounds, cohort, quorum, deadlineMs, graceMs, targetAccuracy],
    [10, 10, 8, 120_000, 10_000, 0.97],
  );
  assert.equal(plan.seed, 9_007_199_254_740_991n);
  assert.deepEqual([plan.serverOptimizer?.learningRate, plan.metrics], [0.5, ["examples", "eval_accuracy"]]);
});

test("[RA2] a plan has the robust rule of its job, with the options that are given", () => {
  const specOf = (aggregator: string): unknown => {
    const job = parseJobFile(`${text}\naggregator: ${aggregator}\n`, "job.yaml");
    const { name, robust } = decodePlan(encodePlan(buildPlan(job, model))).plan.aggregator ?? assert.fail();
    return [name, robust && { ...robust, $typeName: undefined }];
  };
  assert.deepEqual(specOf("{ name: mean }"), ["weighted-mean", undefined]);
  assert.deepEqual(specOf("{ name: geometric-median }"), ["geometric-median", undefined]);
  assert.deepEqual(specOf("{ name: krum, byzantine: 2 }"), ["krum", { $typeName: undefined, byzantine: 2 }]);
});

test("[EV1] a job that evaluates says what is measured, and nothing of a training", () => {
  const job = parseJobFile(`${text}\nproximal: 0.1\n`, "job.yaml", ["task=evaluate", "examples=all"]);
  const { plan, train, evaluate } = decodePlan(encodePlan(buildPlan(job, model)));
  for (const other of ["algorithm=diloco", "algorithm=fedprox", "algorithm=fedsgd", "algorithm=fednova"]) {
    const file = parseJobFile(text, "job.yaml", ["task=evaluate", "proximal=0.1", other]);
    assert.equal(decodePlan(encodePlan(buildPlan(file, model))).train.algorithm, "fedavg");
  }
  assert.deepEqual([evaluate?.allExamples, train.learningRate, train.gradientOptions], [true, 0, undefined]);
  assert.deepEqual([plan.phases, plan.schedule?.rounds], [["evaluate", "submit"], 1]);
  assert.deepEqual([plan.aggregator, plan.serverOptimizer, job.evaluation], [undefined, undefined, ""]);
});

test("[EV6] what a personal model does not say is as of the common training, but for its proximal term", () => {
  const given = (...sets: string[]) =>
    decodePlan(encodePlan(buildPlan(parseJobFile(text, "job.yaml", ["localEpochs=3", ...sets]), model)))
      .train;
  const ditto = given("personalModel={ kind: ditto, lambda: 0.5 }", "proximal=0.1");
  const { $typeName: _name, ...own } = ditto.personalModel ?? assert.fail();
  assert.deepEqual(own, { kind: "ditto", proximal: 0.5, localEpochs: 3, learningRate: 0.1 });
  assert.equal(ditto.algorithm, "fedavg.2");
  const tuning = "personalModel={ kind: fine-tuning, localEpochs: 5 }";
  const tuned = given("task=evaluate", tuning, "optimizer={ name: adam }", "personal=[]", "clipNorm=1");
  assert.deepEqual(
    [
      tuned.optimizer,
      tuned.batchSize,
      tuned.learningRate,
      tuned.localEpochs,
      tuned.gradientOptions?.clipNorm,
    ],
    ["adam", 32, 0, 0, 1],
  );
  assert.deepEqual([tuned.personalModel?.localEpochs, tuned.personalModel?.learningRate], [5, 0.1]);
});

test("[DS8] a plan has the target and the text of its job", () => {
  const datasets: readonly (readonly [dataset: string, loss: string])[] = [
    [
      "inputShape: [8, 8], classes: 3, target: { kind: class, shape: [8, 8] }",
      "{ name: softmax-cross-entropy, ignoreIndex: 9, axis: 1 }",
    ],
    ["inputShape: [4], target: { kind: numbers, shape: [2] }", "{ name: huber, delta: 2 }"],
    ["inputShape: [4], target: { kind: input }", "{ name: mean-absolute-error }"],
    [
      "columns: [{ name: a }], target: { kind: numbers, columns: [{ name: b, missing: skip-row }] }",
      "{ name: cosine }",
    ],
    [
      "columns: [{ name: a }], target: { kind: class, columns: [{ name: b }, { name: c }] }",
      "{ name: binary-cross-entropy }",
    ],
    [
      "inputShape: [5], text: { vocabulary: abc }, target: { kind: class, shape: [5] }",
      "{ name: softmax-cross-entropy }",
    ],
  ];
  for (const [dataset, loss] of datasets) {
    const job = parseJobFile(
      `name: d
model: m.onnx
dataset: { name: d, ${dataset} }
loss: ${loss}
learningRate: 0.1
rounds: 1
cohort: 2
`,
      "job.yaml",
    );
    const { target, table, text, train } = decodePlan(encodePlan(buildPlan(job, model)));
    assert.deepEqual(
      { target, table, text },
      { target: job.dataset.target, table: job.dataset.table, text: job.dataset.text },
    );
    assert.deepEqual([train.algorithm, train.loss], ["fedavg.2", job.loss.name]);
  }
});

test("[DS1] a plan names the columns of a table, and the round that gathers what they are normalised with", () => {
  const dataset = `dataset:
  name: motes
  columns: [{ name: humidity, normalisation: standard }, { name: indoor, type: boolean }]
  label: { name: event, values: [0, 1] }
`;
  const job = parseJobFile(text.replace(/dataset:.*\n/, dataset), "job.yaml");
  const { plan, table } = decodePlan(encodePlan(buildPlan(job, model)));
  assert.deepEqual(table, job.dataset.table);
  assert.deepEqual(plan.dataset?.inputShape, [2]);
  assert.deepEqual(plan.phases, ["statistics", "train", "submit"]);
});

test("[OF7] what devices of earlier versions cannot measure is optional", () => {
  const job = parseJobFile(
    text.replaceAll("classes: 10", "classes: 2").replace(/metrics:.*\n/, ""),
    "job.yaml",
  );
  const bytes = encodePlan(buildPlan(job, { digest: digestOf(new Uint8Array([1])), length: 1 }));
  const { plan, metrics } = decodePlan(bytes);
  assert.ok(plan.metrics.includes("eval_accuracy") && !plan.metrics.includes("eval_true_positives"));
  assert.ok(metrics.includes("eval_accuracy") && metrics.includes("eval_true_positives"));
});

test("the same file gives the same plan, byte for byte", () => {
  const bytes = (): Uint8Array => encodePlan(buildPlan(parseJobFile(text, "job.yaml"), model));
  assert.deepEqual(bytes(), bytes());
});

test("[OF8] a plan with settings that earlier versions do not know is of an algorithm that they do not know", () => {
  const planOf = (settings: string) =>
    decodePlan(encodePlan(buildPlan(parseJobFile(text + settings, "job.yaml"), model)));
  assert.equal(planOf("optimizer: { name: adam }").train.algorithm, "fedavg");
  const { train } = planOf(`loss: { name: softmax-cross-entropy, labelSmoothing: 0.1 }
optimizer: { name: sgd, momentum: 0.9, nesterov: true }
proximal: 0.01
clipNorm: 5
frozen: ["fc1.*"]
`);
  assert.equal(train.algorithm, "fedavg.2");
  assert.deepEqual(plannedTraining({ train, target: { kind: "class", shape: [], classes: 10 } }), {
    loss: { name: "softmax-cross-entropy", labelSmoothing: 0.1 },
    optimizer: { name: "sgd", momentum: 0.9, nesterov: true },
    terms: { proximal: 0.01, clipNorm: 5 },
    frozen: ["fc1.*"],
  });
});

test("[OF8] parts of a batch and a schedule are in the plan, and are later settings", () => {
  const model = { digest: digestOf(new Uint8Array([1])), length: 1 };
  const trainOf = (...sets: string[]) =>
    decodePlan(encodePlan(buildPlan(parseJobFile(text, "job.yaml", sets), model))).train;
  const parts = trainOf("accumulate=4");
  assert.deepEqual([parts.algorithm, parts.accumulate], ["fedavg.2", 4]);
  assert.deepEqual([trainOf("accumulate=1").algorithm, trainOf().schedule], ["fedavg", undefined]);
  const { algorithm, schedule } = trainOf("schedule={ decay: cosine, warmupRounds: 1, byStep: true }");
  assert.equal(algorithm, "fedavg.2");
  const { decay, warmupRounds, everyRounds, finalFactor, byStep } = schedule ?? assert.fail();
  assert.deepEqual([decay, warmupRounds, everyRounds, finalFactor, byStep], ["cosine", 1, 0, 0, true]);
  assert.throws(() => trainOf("schedule={ decay: step, factor: 0.5 }"), { code: "invalid_argument" });
});

test("[OF9] a plan marks a loss that is an output of its model", () => {
  const model = { digest: digestOf(new Uint8Array([1])), length: 1 };
  const sets = ["loss={ name: custom, output: loss }", "metrics=[train_loss]"];
  const { train, target } = decodePlan(
    encodePlan(buildPlan(parseJobFile(text.replace(/target:.*\n/, ""), "job.yaml", sets), model)),
  );
  const { algorithm, loss, lossOptions, customLossOutput } = train;
  assert.deepEqual(
    [algorithm, loss, lossOptions, customLossOutput],
    ["fedavg.2", "custom", undefined, "loss"],
  );
  assert.deepEqual(plannedTraining({ train, target }).loss, { name: "custom", output: "loss" });
});

test("of two classes too, nothing but the loss is measured where it is an output of the model", () => {
  const file = text.replace(/target:.*\n|metrics:.*\n/g, "").replaceAll("classes: 10", "classes: 2");
  const planOf = (...sets: string[]): Plan => {
    const custom = ["loss={ name: custom, output: loss }", ...sets];
    const bytes = encodePlan(buildPlan(parseJobFile(file, "job.yaml", custom), model));
    return decodePlan(bytes).plan;
  };
  assert.deepEqual(planOf().optionalMetrics, []);
  for (const measure of ["accuracy", "f1", "average_precision"]) {
    assert.throws(() => planOf(`metrics=[${measure}]`), {
      message: `${measure} is of classes, and the loss custom has no accuracy`,
    });
  }
  assert.throws(() => planOf("target={ metric: f1, atLeast: 0.9 }"), {
    message: /"f1" is not one of: loss$/,
  });
});

test("the server's optimizer is in the plan, with those of its options that are given", () => {
  const sets = ["server={ name: fedyogi, beta2: 0.9 }", "serverLearningRate=0.01"];
  const { plan } = decodePlan(encodePlan(buildPlan(parseJobFile(text, "job.yaml", sets), model)));
  const { name, learningRate, beta1, beta2 } = plan.serverOptimizer ?? {};
  assert.deepEqual([name, learningRate, beta1, beta2], ["fedyogi", 0.01, undefined, 0.9]);
});

test("a plan names what the measures of a job file are made of", () => {
  const named = (metrics: string, change: (text: string) => string = (same) => same) => {
    const job = parseJobFile(change(text).replace(/metrics:.*\n/, `metrics: ${metrics}\n`), "job.yaml");
    const { plan } = decodePlan(
      encodePlan(buildPlan(job, { digest: digestOf(new Uint8Array([1])), length: 1 })),
    );
    return [plan.metrics.length, ...plan.optionalMetrics];
  };
  assert.deepEqual(named("[top_3, f1, perplexity]"), [
    7,
    "eval_top_3_correct",
    "eval_class_counts",
    "eval_log_loss",
  ]);
  const weighted = (same: string) => `${same}\nloss: { name: softmax-cross-entropy, classWeights: [1, 2] }\n`;
  const binary = (same: string) => weighted(same.replaceAll("classes: 10", "classes: 2"));
  assert.deepEqual(named("[f1]", binary), [
    7,
    "eval_weight",
    "eval_true_positives",
    "eval_false_positives",
    "eval_false_negatives",
  ]);
  const numbers = (same: string) =>
    `${same.replace(/dataset:.*\n/, "dataset: { name: d, inputShape: [2], target: { kind: numbers, shape: [1] } }\n").replace(/target: 0.*\n/, "")}\nloss: { name: huber }\n`;
  assert.deepEqual(named("[mae, rmse]", numbers), [
    5,
    "eval_absolute_error",
    "eval_numbers",
    "eval_squared_error",
  ]);
  assert.throws(() => named("[average_precision]"), { message: /of two classes/ });
  assert.throws(() => named("[top_10]"), { message: /always all of them/ });
  assert.throws(() => named("[loss_of_face]"), { message: /must be a measure \(accuracy, f1/ });
});

test("a target may be of any metric that the job measures, and early stopping too", () => {
  const goal = (lines: string) => {
    const job = parseJobFile(`${text.replace(/target:.*\n|metrics:.*\n/g, "")}\n${lines}`, "job.yaml");
    return buildPlan(job, { digest: digestOf(new Uint8Array([1])), length: 1 });
  };
  const plan = goal(
    "metrics: [f1]\ntarget: { metric: macro_f1, atLeast: 0.9 }\nearlyStopping: { metric: loss, patience: 3 }\n",
  );
  const { schedule } = decodePlan(encodePlan(plan)).plan;
  assert.deepEqual(schedule?.target?.bound, { case: "atLeast", value: 0.9 });
  assert.deepEqual([schedule?.earlyStopping?.patience, schedule?.targetAccuracy], [3, 0]);
  assert.throws(() => goal("target: { metric: loss }\n"), { message: /either atLeast or atMost/ });
  assert.throws(() => encodePlan(goal("target: { metric: f1, atLeast: 1 }\n")), {
    message: /"f1" is not one of/,
  });
});
