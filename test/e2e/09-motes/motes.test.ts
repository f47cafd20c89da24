import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildMlp, serializeModel } from "@selvedge/onnx";
import { NativeSession } from "@selvedge/runtime";
import { MoteFleet, motes } from "./motes.fixture.ts";

interface Round {
  readonly phase: string;
  readonly status: string;
  readonly reason: string;
  readonly participants: readonly { readonly device: string; readonly reason?: string }[];
  readonly evaluation: { readonly [Figure in "f1" | "recall" | "average_precision"]: number };
  readonly federated: Readonly<Record<string, number>>;
}

interface JobAnswer {
  readonly job: { readonly status: string; readonly reason: string; readonly history: readonly Round[] };
}

const jobPath = join(import.meta.dirname, "../../../examples/motes/job.yaml");
const rounds = 5;

suite("four motes", () => {
  const fleet = new MoteFleet();
  before(() => fleet.start());
  after(() => fleet[Symbol.asyncDispose]());

  test("learn together what no mote knows alone", () => {
    const set = ["--set", `rounds=${rounds}`];
    const { job } = fleet.operator("job", "run", jobPath, "--id", "motes-1", "--watch", ...set) as JobAnswer;
    assert.equal(job.status, "completed", job.reason);
    const [statistics, ...trained] = job.history;
    assert.deepEqual([statistics?.phase, statistics?.status], ["statistics", "completed"]);
    assert.equal(trained.length, rounds);
    const { f1, average_precision: precision } = trained.at(-1)?.evaluation ?? assert.fail("no round");
    const federated = trained.at(-1)?.federated ?? {};
    // Measured by the motes on what they hold out, before they train: of both events, added up.
    const { eval_true_positives: found = 0, eval_false_negatives: missed = 0 } = federated;
    assert.ok(found + missed > 0);
    assert.equal(typeof federated.eval_average_precision, "number");

    const [, ...lone] = fleet.script("examples/motes/alone.ts", fleet.folder).trimEnd().split("\n");
    assert.equal(lone.length, motes.length);
    for (const line of lone) {
      const [mote, loneF1, lonePrecision] = line.trim().split(/\s+/);
      assert.ok(f1 > Number(loneF1), `F1 ${f1} is not above ${loneF1} of mote ${mote}`);
      assert.ok(precision >= Number(lonePrecision), `${precision} is below ${lonePrecision} of mote ${mote}`);
    }
  });

  test("learn by one score too, in which the rare events count for more", () => {
    const modelPath = join(fleet.folder, "score.onnx");
    const score = buildMlp({ inputShape: [2], hidden: [16], classes: 1, seed: 1 });
    writeFileSync(modelPath, serializeModel(score));
    const loss = "loss={ name: binary-cross-entropy, positiveWeight: 20 }";
    const sets = [`model=${modelPath}`, loss, `rounds=${rounds}`].flatMap((set) => ["--set", set]);
    const { job } = fleet.operator(
      "job",
      "run",
      jobPath,
      "--id",
      "motes-score",
      "--watch",
      ...sets,
    ) as JobAnswer;
    assert.equal(job.status, "completed", job.reason);
    const { recall, average_precision: precision } =
      job.history.at(-1)?.evaluation ?? assert.fail("no round");
    assert.ok(recall > 0.9 && precision > 0.9, `recall ${recall}, average precision ${precision}`);
  });

  test("[DS5] each owner reads in the audit log which statistics left, and nothing else did", () => {
    for (const mote of motes) {
      const log = fleet.auditLog(mote);
      const statistics = log.filter(({ kind }) => kind === "statistics");
      assert.ok(statistics.length > 0);
      for (const line of statistics) {
        const { columns } = line.statistics as { readonly columns: readonly object[] };
        assert.deepEqual(columns.map(Object.keys), Array(2).fill(["name", "count", "sum", "squares"]));
      }
      assert.ok(log.every(({ kind }) => kind === "statistics" || kind === "update"));
    }
  });

  test("[DS7] the released model takes readings as the sensors tell them", async () => {
    fleet.operator("release", "motes-1");
    const path = join(fleet.folder, "motes.onnx");
    fleet.operator("model", "get", "motes", "--output", path);
    const session = await NativeSession.load(path);
    const data = Float32Array.of(45.9, 27.9, 88.6, 32.6);
    const { logits } = await session.run({ input: { type: "float32", dims: [2, 2], data } });
    await session.release();
    const [none = 0, event = 0, eventNone = 0, eventEvent = 0] = (logits?.data ?? []) as Float32Array;
    assert.ok(none > event, "a usual reading");
    assert.ok(eventEvent > eventNone, "one of an event");
  });

  test("[DS4] a mote without a column that the plan reads declines and names it; so does the coordinator", async () => {
    const text = `name: motes
model: { builder: mlp, input: [1], hidden: [], classes: 2 }
dataset:
  name: readings
  columns: [{ name: pressure }]
  label: { name: label, values: [0, 1] }
learningRate: 0.1
rounds: 1
cohort: 4
quorum: 4
grace: 0s
`;
    const path = join(fleet.folder, "pressure.yaml");
    writeFileSync(path, text);
    const { job } = fleet.operator("job", "run", path, "--id", "motes-2") as JobAnswer;
    assert.notEqual(job.status, "completed");
    assert.match(
      await fleet.refusalOf("motes-2"),
      /dataset "readings" has no columns \[pressure\]; the plan reads \[pressure, label\]/,
    );
    writeFileSync(path, `${text}evaluation: motes-test\n`);
    const { code, message } = fleet.refused("job", "run", path, "--id", "motes-3");
    assert.equal(code, "failed_precondition");
    assert.match(message, /dataset "motes-test" has no columns \[pressure\]/);
  });
});
