import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { schemaKeysAt } from "@selvedge/config";
import { SelvedgeError } from "@selvedge/protocol";
import { type JobFile, parseJobFile, readJobFile } from "./job-file.ts";
import { builtJobSchema } from "./job-schema.ts";

const minimal = `name: digits
model: models/mlp.onnx
dataset: { name: digits, inputShape: [784], classes: 10 }
learningRate: 0.1
rounds: 10
cohort: 9
`;

const parse = (text: string, ...sets: string[]): ReturnType<typeof parseJobFile> =>
  parseJobFile(text, "/jobs/job.yaml", sets);

function problem(text: string, ...sets: string[]): Pick<SelvedgeError, "code" | "message" | "at" | "fix"> {
  try {
    parse(text, ...sets);
  } catch (thrown) {
    const { code, message, at, fix } = SelvedgeError.from(thrown);
    return { code, message, at, fix };
  }
  return assert.fail("it was accepted");
}

const tenClasses = { kind: "class", shape: [], classes: 10 } as const;

test("what a job file leaves out has a default", () => {
  const { source, ...job } = parse(minimal);
  assert.equal(JSON.parse(source).cohort, 9);
  assert.deepEqual(job, {
    name: "digits",
    task: "train",
    examples: "held-out",
    model: { kind: "file", path: "/jobs/models/mlp.onnx" },
    dataset: { name: "digits", inputShape: [784], target: tenClasses, table: null, text: null },
    algorithm: "fedavg",
    localEpochs: 1,
    batchSize: 32,
    learningRate: 0.1,
    loss: { name: "softmax-cross-entropy" },
    optimizer: { name: "sgd" },
    frozen: [],
    personal: [],
    keepOptimizerState: false,
    accumulate: 1,
    aggregator: { name: "weighted-mean", robust: {}, blocks: [] },
    localSteps: 0,
    partialWork: false,
    server: { name: "fedavg" },
    heldOutFraction: 0.1,
    maxExamplesPerDevice: 10_000,
    rounds: 10,
    cohort: 9,
    quorum: 8,
    deadlineMs: 600_000,
    graceMs: 10_000,
    evaluation: "",
    seed: 1,
    serverLearningRate: 1,
    metrics: [
      "train_loss",
      "train_accuracy",
      "eval_loss",
      "eval_accuracy",
      "eval_examples",
      "examples",
      "seconds",
    ],
  });
});

test("a job file says everything", () => {
  const job = parse(`${minimal}localEpochs: 2
batchSize: 10
heldOutFraction: 0
maxExamplesPerDevice: 500
quorum: 3
deadline: 90s
grace: 0s
target: 0.97
evaluation: mnist-test
seed: 7
serverLearningRate: 0.5
metrics: [examples]
`);
  assert.deepEqual(
    [
      job.localEpochs,
      job.batchSize,
      job.heldOutFraction,
      job.maxExamplesPerDevice,
      job.quorum,
      job.deadlineMs,
    ],
    [2, 10, 0, 500, 3, 90_000],
  );
  assert.deepEqual(
    [job.graceMs, job.target, job.evaluation, job.seed, job.serverLearningRate, job.metrics],
    [0, 0.97, "mnist-test", 7, 0.5, ["examples"]],
  );
});

test("a model can be built instead of read", () => {
  const text = minimal.replace(
    "models/mlp.onnx",
    "{ builder: mlp, input: [784], hidden: [200, 200], classes: 10 }",
  );
  const { model } = parse(text);
  assert.deepEqual(model, { kind: "mlp", inputShape: [784], hidden: [200, 200], classes: 10, seed: 1 });
  const cnn = "{ builder: cnn, input: [1, 28, 28], channels: [32, 64], hidden: [512], classes: 10 }";
  assert.deepEqual(parse(minimal.replace("models/mlp.onnx", cnn)).model, {
    kind: "cnn",
    inputShape: [1, 28, 28],
    channels: [32, 64],
    kernel: 5,
    hidden: [512],
    classes: 10,
    seed: 1,
  });
  const flat = cnn.replace("[1, 28, 28]", "[784]");
  assert.match(problem(minimal.replace("models/mlp.onnx", flat)).message, /channels, height and width/);
});

test("--set replaces and adds values, also inner ones", () => {
  const job = parse(minimal, "rounds=50", "dataset.name=faces", "metrics=[examples]", "model=other.onnx");
  assert.deepEqual([job.rounds, job.dataset.name, job.metrics], [50, "faces", ["examples"]]);
  assert.deepEqual(job.model, { kind: "file", path: "/jobs/other.onnx" });
  assert.equal(
    parse(
      minimal.replace(/dataset:.*\n/, ""),
      "dataset.name=a",
      "dataset.inputShape=[2]",
      "dataset.classes=2",
    ).dataset.name,
    "a",
  );
});

test("a table's columns and label say the shape and the classes", () => {
  const dataset = `dataset:
  name: motes
  columns:
    - { name: humidity, missing: mean, normalisation: standard }
    - { name: place, type: category, values: [in, 1, true], missing: constant, constant: 1 }
  label: { name: event, values: [0, 1] }
`;
  const text = minimal.replace(/dataset:.*\n/, dataset);
  const rest = { values: [], constant: "" };
  const humidity = { name: "humidity", type: "number", missing: "mean", normalisation: "standard", ...rest };
  const place = { name: "place", type: "category", values: ["in", "1", "true"], constant: "1" };
  assert.deepEqual(parse(text).dataset, {
    name: "motes",
    inputShape: [4],
    target: { kind: "class", shape: [], classes: 2 },
    table: {
      columns: [humidity, { ...place, missing: "constant", normalisation: "none" }],
      label: { name: "event", values: ["0", "1"] },
      targets: [],
    },
    text: null,
  });
  assert.match(problem(text.replace(/ {2}label:.*\n/, "")).message, /^dataset.label: is required/);
  assert.match(problem(minimal.replace(", classes: 10", "")).message, /^dataset.classes: is required/);
  assert.match(
    problem(minimal, "dataset.label={ name: a, values: [0, 1] }").message,
    /^dataset.label: is for/,
  );
});

test("[DS8] what is learned is one class, or what the target says; its shape follows from columns", () => {
  const of = (dataset: string): JobFile["dataset"] =>
    parse(minimal.replace(/dataset:.*\n/, `dataset: { name: d, ${dataset} }\n`)).dataset;
  const loss = "loss={ name: huber }";
  const target = "target: { kind: class, shape: [28, 28] }";
  const pixels = { kind: "class", shape: [28, 28], classes: 10, ignoreIndex: 255 };
  const ignored = "loss={ name: softmax-cross-entropy, ignoreIndex: 255 }";
  const text = minimal.replace("classes: 10", `classes: 10, ${target}`);
  assert.deepEqual(parse(text, ignored).dataset.target, pixels);
  assert.deepEqual(of("inputShape: [4], target: { kind: input }").target, { kind: "input", shape: [4] });
  const columns = "columns: [{ name: a }], target: { kind: numbers, columns: [{ name: b }, { name: c }] }";
  assert.deepEqual(of(columns).target, { kind: "numbers", shape: [2] });
  const booleans = of(columns.replace("numbers", "class"));
  assert.deepEqual(booleans.target, { kind: "class", shape: [2], classes: 2 });
  assert.deepEqual(
    booleans.table?.targets.map(({ type }) => type),
    ["boolean", "boolean"],
  );
  const speeches = of("inputShape: [5], text: { vocabulary: abc }");
  assert.deepEqual(
    [speeches.target, speeches.text],
    [
      { kind: "class", shape: [], classes: 4 },
      { vocabulary: ["a", "b", "c"], steps: 5, stride: 5 },
    ],
  );

  const complaint = (dataset: string, ...sets: string[]): string =>
    problem(minimal.replace(/dataset:.*\n/, `dataset: { name: d, ${dataset} }\n`), ...sets).message;
  assert.match(complaint("inputShape: [4], target: { kind: numbers }"), /^dataset.target.shape: is required/);
  assert.match(
    complaint("inputShape: [4], classes: 2, target: { kind: input }"),
    /^dataset.classes: is not for/,
  );
  assert.match(complaint(`${columns}, label: { name: l, values: [0, 1] }`), /^dataset.label: is not what/);
  assert.match(
    complaint("columns: [{ name: a }], target: { kind: numbers }"),
    /^dataset.target.columns: is req/,
  );
  assert.match(
    complaint("inputShape: [4], classes: 2, target: { kind: class, columns: [{ name: b }] }"),
    /columns: are/,
  );
  assert.match(complaint(columns, loss, "target=0.9"), /^target: is an accuracy, and huber has none/);
});

test("numbers have no accuracy among their metrics", () => {
  const text = minimal.replace("classes: 10", "target: { kind: input }");
  const { metrics } = parse(text, "loss={ name: huber }");
  assert.deepEqual(
    metrics.filter((name) => /accuracy|positives/.test(name)),
    [],
  );
  assert.ok(metrics.includes("eval_loss"));
});

test("an unknown key is named with its line and the key that was meant", () => {
  assert.deepEqual(problem(`${minimal}learningrate: 0.2\n`), {
    code: "invalid_argument",
    message: 'unknown key "learningrate"',
    at: "/jobs/job.yaml:7",
    fix: `did you mean "learningRate"? there are: ${schemaKeysAt(builtJobSchema, []).join(", ")}`,
  });
  const inner = problem(minimal.replace("classes", "klasses"));
  assert.equal(inner.at, "/jobs/job.yaml:3");
  assert.equal(
    problem(minimal, "dataset.zzz=1").fix,
    "there are: name, inputShape, classes, columns, label, target, text",
  );
});

test("an inner unknown key is compared with the keys of its place", () => {
  const { message, at, fix } = problem(minimal.replace("classes: 10", "classes: 10, inputShap: [1]"));
  assert.deepEqual([message, at], ['unknown key "dataset.inputShap"', "/jobs/job.yaml:3"]);
  assert.match(fix ?? "", /"inputShape"/);
  assert.match(
    problem(minimal, "model={ builder: mlp, imput: [2], input: [2], classes: 2 }").fix ?? "",
    /"input"/,
  );
});

test("a setting of another optimizer or loss is unknown, and those of this one are offered", () => {
  assert.equal(
    problem(`${minimal}optimizer: { name: adam, momentum: 0.9 }\n`).fix,
    "there are: name, beta1, beta2, epsilon, weightDecay",
  );
  assert.equal(problem(`${minimal}optimizer: { name: Adam }\n`).fix?.split("?")[0], 'did you mean "adam"');
});

test("a value out of range is named with its line", () => {
  const cases: readonly (readonly [line: string, message: RegExp])[] = [
    ["batchSize: 0", /^batchSize: /],
    ["batchSize: 1.5", /^batchSize: /],
    ["quorum: 10", /^quorum: must be at most the cohort, 9$/],
    ["deadline: 120", /^deadline: must be a number and a unit/],
    ["deadline: 40d", /^deadline: must be 1s to 30d$/],
    ["grace: 11m", /^grace: must be at most the deadline$/],
    ["target: 1.1", /^target: /],
    ["seed: -1", /^seed: /],
    ["algorithm: fedmagic", /^algorithm: /],
    ["loss: { name: hinge }", /^loss.name: /],
    ["optimizer: { name: lion }", /^optimizer.name: /],
    ["optimizer: { name: adam, beta1: 1 }", /^optimizer.beta1: /],
    ["optimizer: { name: adam, momentum: 0.9 }", /^unknown key "optimizer.momentum"$/],
    ["clipNorm: 0", /^clipNorm: /],
    ["frozen: encoder", /^frozen: /],
    ["personal: head", /^personal: /],
    ["alpha: 0", /^alpha: /],
    ["population: 0.5", /^population: /],
    ["server: { name: fedavg, momentum: 0.9 }", /^unknown key "server.momentum"$/],
    ["server: { name: fedadam, epsilon: 0 }", /^server.epsilon: /],
    ["aggregator: { name: average }", /^aggregator.name: /],
    ["aggregator: { name: trimmed-mean, trim: 0.5 }", /^aggregator.trim: /],
    ["aggregator: { name: krum }", /^aggregator.byzantine/],
    ["aggregator: { name: median, byzantine: 1 }", /^unknown key "aggregator.byzantine"$/],
    ["aggregator: { name: bulyan, byzantine: 2 }", /^quorum: must be at least 11 for bulyan/],
    ["metrics: [examples, weights]", /^metrics.1: /],
    ["evaluation: Not A Name", /^evaluation: must be lower-case/],
    ["maxExamplesPerDevice: 2147483647", /^maxExamplesPerDevice: times the cohort/],
    ["heldOutFraction: .nan", /^heldOutFraction: /],
  ];
  for (const [line, message] of cases) {
    const { code, message: actual, at } = problem(`${minimal}${line}\n`);
    assert.equal(code, "invalid_argument", line);
    assert.match(actual, message);
    // What has no line of its own (the default grace) is reported at the top.
    assert.match(at ?? "", /^\/jobs\/job.yaml:[17]$/, line);
  }
  assert.equal(problem(minimal.replace("rounds: 10\n", "")).message, "rounds is missing");
  assert.equal(problem(minimal.replace("rounds:", "round:")).message, 'unknown key "round"');
});

test("what --set says wrong is reported as it was typed", () => {
  assert.equal(problem(minimal, "rounds=many").at, "--set rounds=many");
  assert.equal(problem(minimal, "dataset.klasses=3").at, "--set dataset.klasses=3");
  assert.match(problem(minimal, "rounds").fix ?? "", /--set key=value/);
  assert.equal(problem(minimal, "rounds.now=1").message, '"rounds" has no keys of its own');
  for (const set of ["metrics=[", "rounds=*a", `rounds=${"[".repeat(20_000)}`]) {
    assert.equal(problem(minimal, set).message, "the value is not valid YAML", set.slice(0, 20));
  }
});

test("what is not a YAML map is refused with its line", () => {
  assert.deepEqual(
    [problem("- a\n").message, problem("- a\n").at],
    ["not a list of keys and values", "/jobs/job.yaml:1"],
  );
  assert.equal(problem("").message, "name is missing");
  const twice = problem(`${minimal}rounds: 11\n`);
  assert.deepEqual([twice.at, /unique/.test(twice.message)], ["/jobs/job.yaml:7", true]);
  assert.equal(problem("name: [\n").code, "invalid_argument");
});

test("aliases that grow without bound are refused", () => {
  const bomb = `a: &a [x, x]\n${[..."bcdefghij"].map((key, i) => `${key}: &${key} [*${"abcdefghi"[i]}, *${"abcdefghi"[i]}]\n`).join("")}`;
  assert.match(problem(bomb).message, /aliases/);
});

test("a file that is not there is named", async () => {
  await assert.rejects(readJobFile("/nowhere/job.yaml"), (thrown) => {
    return (
      thrown instanceof SelvedgeError && thrown.code === "not_found" && thrown.at === "/nowhere/job.yaml"
    );
  });
});

test("a job may begin with the weights of a release or of a round, with a model of its own or theirs", () => {
  const { source, ...job } = parse(`${minimal}from: digits@3\nkeepEvery: 5\n`);
  assert.deepEqual([job.from, job.keepEvery, job.model.kind], ["digits@3", 5, "file"]);
  assert.equal(JSON.parse(source).from, "digits@3");
  const without = minimal.replace(/model: .*\n/, "");
  assert.deepEqual(parse(`${without}from: { job: digits-1, round: 2 }\n`).model, { kind: "origin" });
  assert.equal(problem(without).message, "model is missing");
  assert.match(problem(`${minimal}from: digits@new\n`).message, /^from/);
  assert.match(
    problem(`${minimal}keepEvery: 1\n`, "rounds=2000").message,
    /^keepEvery: must be so many rounds/,
  );
});

test("a training has a rate and rounds, an evaluation needs neither and has none of what a device keeps", () => {
  const evaluated = minimal.replace("rounds: 10\n", "").replace(/learningRate: .*\n/, "task: evaluate\n");
  const job = parse(evaluated);
  assert.deepEqual([job.task, job.examples, job.rounds, job.learningRate], ["evaluate", "held-out", 1, 0]);
  assert.match(problem(`${evaluated}personal: ["fc2.*"]\n`).message, /^personal: is of a training/);
  assert.match(problem(`${minimal}examples: all\n`).message, /^examples: are for an evaluation/);
  assert.equal(problem(minimal.replace(/learningRate: .*\n/, "")).message, "learningRate is missing");
});

test("a personal model is trained and measured where that can be", () => {
  const told = (line: string, ...sets: string[]): string =>
    problem(`${minimal}personalModel: ${line}\n`, ...sets).message;
  assert.match(told("{ kind: ditto }", "task=evaluate"), /^personalModel: ditto goes on from round to round/);
  assert.match(told("{ kind: fine-tuning }"), /^personalModel: fine-tuning is where devices evaluate/);
  assert.match(
    told("{ kind: ditto }", "heldOutFraction=0"),
    /^heldOutFraction: a personal model is measured/,
  );
  assert.match(told("{ kind: ditto, lambda: -1 }"), /^personalModel.lambda/);
  const lambda = parse(`${minimal}personalModel: { kind: ditto }\n`).personalModel;
  assert.deepEqual(lambda, { kind: "ditto", lambda: 0.1 });
  parse(`${minimal}personalModel: { kind: fine-tuning }\n`, "federatedEvaluation={ every: 2 }");
});

test("docs/reference/job.md describes every key", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/reference/job.md"), "utf8");
  const documented = [...page.matchAll(/^\| `([\w.]+)` \|/gm)].map((match) => match[1]);
  const places = [
    [],
    ["model"],
    ["loss"],
    ["optimizer"],
    ["schedule"],
    ["personalModel"],
    ["server"],
    ["selection"],
    ["selection", "requires"],
    ["aggregator"],
    ["dataset"],
    ["dataset", "columns"],
    ["dataset", "target"],
    ["dataset", "target", "columns"],
    ["dataset", "text"],
  ];
  const keys = places.flatMap((place) => {
    // The keys of each element of a list.
    const at = place.at(-1) === "columns" ? [...place, 0] : place;
    return schemaKeysAt(builtJobSchema, at).map((key) => [...place, key].join("."));
  });
  assert.deepEqual(documented.toSorted(), keys.toSorted());
});

test("an algorithm that is averaging with other settings changes what a job file has by default, and no more", () => {
  const fedsgd = parse(minimal, "algorithm=fedsgd", "maxExamplesPerDevice=1000", "batchSize=64");
  assert.deepEqual([fedsgd.accumulate, fedsgd.localEpochs], [16, 1]);
  assert.match(problem(minimal, "algorithm=fedsgd", "localEpochs=2").message, /^algorithm: fedsgd takes one/);

  const fedprox = parse(minimal, "algorithm=fedprox", "proximal=0.1", "deadline=90s");
  assert.deepEqual([fedprox.partialWork, fedprox.graceMs], [true, 90_000]);
  const whole = parse(minimal, "algorithm=fedprox", "proximal=0.1", "partialWork=false", "deadline=5s");
  assert.deepEqual([whole.partialWork, whole.graceMs], [false, 5_000]);
  assert.match(problem(minimal, "algorithm=fedprox").message, /^proximal: is what fedprox pulls by/);

  const { learningRate: _, ...diloco } = parse(minimal, "algorithm=diloco");
  assert.deepEqual(diloco.optimizer, { name: "adamw", weightDecay: 0.1 });
  assert.deepEqual([diloco.server, diloco.serverLearningRate], [{ name: "nesterov", momentum: 0.9 }, 0.7]);
  assert.deepEqual([diloco.localSteps, diloco.keepOptimizerState], [500, true]);
  const settled = parse(minimal, "algorithm=diloco", "localEpochs=3", "optimizer.name=adam");
  assert.deepEqual([settled.localSteps, settled.localEpochs, settled.optimizer.name], [0, 3, "adam"]);
  assert.match(problem(minimal, "localSteps=3", "localEpochs=2").message, /^localSteps: stand in place of/);
});
