import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { DatasetRequestSchema, TrainTaskSchema } from "./gen/selvedge/v1/round_pb.js";
import { soundPlan } from "./plan.fixture.ts";
import { type CheckedPlan, decodePlan, encodePlan } from "./plan.ts";
import { isBinary } from "./plan-target.ts";

interface Changes {
  readonly dataset?: MessageInitShape<typeof DatasetRequestSchema>;
  readonly train?: MessageInitShape<typeof TrainTaskSchema>;
}

function planWith({ dataset, train }: Changes): CheckedPlan {
  const plan = soundPlan();
  const base = { name: "data", inputShape: [4, 6], classes: 10, ...dataset };
  plan.dataset = create(DatasetRequestSchema, base as MessageInitShape<typeof DatasetRequestSchema>);
  if (plan.task?.kind.case !== "train") return assert.fail();
  const { $typeName: _, ...plain } = plan.task.kind.value;
  plan.task.kind.value = create(TrainTaskSchema, { ...plain, algorithm: "fedavg.2", ...train });
  return decodePlan(encodePlan(plan));
}

const numbers = { inputShape: [4, 6], classes: 0, target: { kind: "numbers", shape: [3] } };
const squares = { loss: "mean-squared-error" };
const places = { target: { kind: "class", shape: [4, 6] } };

test("[DS8] a plan says what is learned: one class unless it says otherwise", () => {
  const plain = { algorithm: "fedavg" };
  assert.deepEqual(planWith({ train: plain }).target, { kind: "class", shape: [], classes: 10 });
  assert.deepEqual(
    planWith({ dataset: places, train: { lossOptions: { ignoreIndex: -100, axis: 1 } } }).target,
    {
      ...{ kind: "class", shape: [4, 6], classes: 10, ignoreIndex: -100 },
    },
  );
  assert.deepEqual(planWith({ dataset: numbers, train: squares }).target, { kind: "numbers", shape: [3] });
  const input = { classes: 0, target: { kind: "input" } };
  assert.deepEqual(planWith({ dataset: input, train: squares }).target, { kind: "input", shape: [4, 6] });
  assert.deepEqual(
    [2, 3].map((classes) => isBinary({ kind: "class", shape: [], classes })),
    [true, false],
  );
});

test("[DS8] numbers have every loss, also those of classes as probabilities; classes only their own", () => {
  const lossesOf = (dataset: Changes["dataset"]): string[] => {
    const names = [
      "softmax-cross-entropy",
      "binary-cross-entropy",
      "mean-squared-error",
      "mean-absolute-error",
    ];
    return [...names, "huber", "kl-divergence", "cosine"].filter((loss) => {
      try {
        planWith({ ...(dataset && { dataset }), train: { loss } });
        return true;
      } catch {
        return false;
      }
    });
  };
  assert.equal(lossesOf(numbers).length, 7);
  assert.deepEqual(lossesOf(places), ["softmax-cross-entropy"]);
  assert.deepEqual(lossesOf({ ...places, classes: 2 }), ["softmax-cross-entropy", "binary-cross-entropy"]);
});

const refused: readonly (readonly [field: string, changes: Changes])[] = [
  ["dataset.target.kind", { dataset: { target: { kind: "ranks" } } }],
  ["dataset.target.shape", { dataset: { target: { kind: "class", shape: [4, 0] } } }],
  ["dataset.target.shape", { dataset: { target: { kind: "class", shape: Array(9).fill(1) } } }],
  ["dataset.target.shape", { dataset: { target: { kind: "class", shape: [65_536, 65_536] } } }],
  ["dataset.target.shape", { dataset: { ...numbers, target: { kind: "numbers" } }, train: squares }],
  [
    "dataset.target.shape",
    { dataset: { classes: 0, target: { kind: "input", shape: [24] } }, train: squares },
  ],
  ["dataset.classes", { dataset: { ...numbers, classes: 10 }, train: squares }],
  ["dataset.classes", { dataset: { ...places, classes: 0 } }],
  ["dataset.target.columns", { dataset: { target: { kind: "class", columns: [{ name: "a" }] } } }],
  ["task.algorithm", { dataset: places, train: { algorithm: "fedavg" } }],
  ["task.loss", { dataset: places, train: squares }],
  ["task.loss_options.ignore_index", { train: { lossOptions: { ignoreIndex: 0 } } }],
  ["task.loss_options.ignore_index", { dataset: numbers, train: { lossOptions: { ignoreIndex: 0 } } }],
  ["task.loss_options.axis", { dataset: places, train: { lossOptions: { axis: 9 } } }],
  ["task.loss_options.delta", { dataset: numbers, train: { loss: "huber", lossOptions: { delta: 0 } } }],
  ["task.loss_options.delta", { dataset: numbers, train: { ...squares, lossOptions: { delta: 1 } } }],
  ["task.loss_options.class_weights", { dataset: numbers, train: { lossOptions: { classWeights: [1] } } }],
];

for (const [field, changes] of refused) {
  test(`[OF1] a plan of targets whose ${field} is wrong is refused and named: ${JSON.stringify(changes)}`, () => {
    assert.throws(() => planWith(changes), { at: `plan.${field}` });
  });
}

test("[OF1] a job of numbers has no accuracy to end at", () => {
  const plan = soundPlan();
  plan.dataset = create(DatasetRequestSchema, { name: "data", ...numbers });
  if (plan.task?.kind.case !== "train" || plan.schedule === undefined) return assert.fail();
  Object.assign(plan.task.kind.value, { algorithm: "fedavg.2", ...squares });
  plan.schedule.targetAccuracy = 0.9;
  assert.throws(() => encodePlan(plan), { at: "plan.schedule.target_accuracy" });
});
