import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { parameterLayout, parseModel, readParameters, writeParameters, zoo } from "@selvedge/onnx";
import type { Job } from "@selvedge/protocol";
import { mainPath } from "../spawned-process.fixture.ts";
import { evaluationData, trainingData } from "../synthetic-digits.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";
import { categories, classes, inputShapes, sentence, writePatterns } from "./patterns.fixture.ts";

type Figures = Readonly<Record<string, number>>;

interface EndedJob {
  readonly status: string;
  readonly reason: string;
  readonly history: readonly { readonly federated: Figures; readonly evaluation: Figures }[];
}

suite("every model of the zoo", () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start(2);
    for (const { folder } of fleet.devices) {
      const datasets = writePatterns(join(folder, "patterns"), 60, folder.slice(-1));
      const path = join(folder, "agent.yaml");
      writeFileSync(path, readFileSync(path, "utf8").replace("datasets:\n", `datasets:\n${datasets}`));
    }
    await fleet.restartAgents();
    await fleet.online(2);
  });
  after(() => fleet[Symbol.asyncDispose]());

  for (const [name, { example }] of Object.entries(zoo)) {
    test(`[RE9] ${name} is trained from its file as \`model new\` says, and only its parameters change`, async () => {
      const shape = inputShapes[name] ?? assert.fail(`there is no data for ${name}`);
      const sizes = [
        "--input",
        shape.join("x"),
        ...(example.classes === undefined ? [] : ["--classes", `${classes}`]),
      ];
      const codes = name === "tabular" ? ["--categories", categories.join(",")] : [];
      const { path, job } = await newModel([name, ...sizes, ...codes]);
      const { history } = await trained(name, job);
      assertLearned(history, name === "autoencoder" ? 0.9 : 0.5);
      assert.equal(history.at(-1)?.federated.eval_accuracy === undefined, name === "autoencoder");
      await assertOnlyParametersChanged(name, path);
    });
  }

  test("[DS9] a text teaches which character comes next, one by one", async () => {
    const vocabulary = [...new Set(sentence)].join("");
    const { path } = await newModel([
      "char-gru",
      "--input",
      "8",
      "--classes",
      `${vocabulary.length + 1}`,
      "-o",
      "text.onnx",
    ]);
    const job = `name: speeches
model: ${path}
dataset: { name: speeches, inputShape: [8], text: { vocabulary: "${vocabulary}", stride: 1 } }
optimizer: { name: adam }
rounds: 3
cohort: 2
`;
    const { history } = await trained("speeches", job);
    assertLearned(history, 0.5);
    assert.ok((history.at(-1)?.federated.eval_accuracy ?? 0) > 0.9);
  });

  test("[DS8] numbers are learned, and no accuracy is told of them", async () => {
    const { path } = await newModel(["mlp", "--input", "4", "--classes", "2", "-o", "sums.onnx"]);
    const job = `name: sums
model: ${path}
dataset: { name: sums, inputShape: [4], target: { kind: numbers, shape: [2] } }
loss: { name: huber, delta: 2 }
optimizer: { name: adam }
rounds: 2
cohort: 2
`;
    const { history } = await trained("sums", job);
    assertLearned(history, 0.5);
    assert.ok(
      history.every(({ federated }) => !Object.keys(federated).some((key) => key.includes("accuracy"))),
    );
  });

  test("[DS8] the coordinator measures what is learned of its own data: the input itself", async () => {
    const job = `name: copies
model: { builder: mlp, input: [16], hidden: [8], classes: 16 }
dataset: { name: ${trainingData}, inputShape: [4, 4], target: { kind: input } }
loss: { name: mean-squared-error }
optimizer: { name: adam }
evaluation: ${evaluationData}
rounds: 2
cohort: 2
`;
    const { history } = await trained("copies", job);
    assertLearned(history, 0.9);
    const measured = history.map(({ evaluation }) => evaluation);
    assert.deepEqual([measured[0]?.examples, measured[0]?.accuracy], [100, undefined]);
    assert.ok((measured[1]?.loss ?? 1) < (measured[0]?.loss ?? 0));
  });

  test("[DS4] a device whose labels are of another shape says what it has, and what is wanted", async () => {
    const job = `name: sums
model: { builder: mlp, input: [4], classes: 3 }
dataset: { name: sums, inputShape: [4], target: { kind: numbers, shape: [3] } }
loss: { name: mean-squared-error }
optimizer: { name: adam }
rounds: 1
cohort: 2
`;
    const path = join(fleet.folder, "declined.yaml");
    writeFileSync(path, job);
    await fleet.run([
      "job",
      "run",
      path,
      "--id",
      "declined",
      "--set",
      "deadline=60s",
      "--set",
      "learningRate=0.1",
    ]);
    const reason =
      'dataset "sums" has examples of shape [4] and [2] numbers; the plan takes examples of shape [4] and [3] numbers';
    const told = await fleet.operator.watch("declined", (shown) => reasonsOf(shown).length > 0);
    assert.equal(reasonsOf(told)[0], reason);
  });

  /** @returns the job as it ended */
  async function trained(name: string, job: string): Promise<EndedJob> {
    const path = join(fleet.folder, `${name}.yaml`);
    writeFileSync(path, job);
    const settings = {
      localEpochs: 6,
      batchSize: 8,
      heldOutFraction: 0.2,
      deadline: "60s",
      learningRate: 0.01,
    };
    const rounds = name === "speeches" ? 3 : 2;
    const sets = Object.entries({ ...settings, rounds }).flatMap(([key, value]) => [
      "--set",
      `${key}=${value}`,
    ]);
    const lines = await fleet.run(["job", "run", path, "--id", `${name}-1`, "--watch", "--json", ...sets]);
    const answer = JSON.parse(lines.trimEnd().split("\n").at(-1) ?? "") as { readonly job: EndedJob };
    assert.equal(answer.job.status, "completed", answer.job.reason);
    return answer.job;
  }

  async function newModel(args: readonly string[]): Promise<{ readonly path: string; readonly job: string }> {
    const line = [mainPath(), "model", "new", ...args, "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, line, { cwd: fleet.folder });
    const made = JSON.parse(stdout) as { readonly path: string; readonly job: string };
    // As an exporter might: a field that nobody here knows (20,000), after all others.
    appendFileSync(made.path, Uint8Array.of(0x82, 0xe2, 0x09, 3, 1, 2, 3));
    return made;
  }

  async function assertOnlyParametersChanged(name: string, path: string): Promise<void> {
    const trainedPath = join(fleet.folder, `${name}-1.onnx`);
    await fleet.run(["release", `${name}-1`]);
    await fleet.run(["model", "get", `${name}@1`, "-o", trainedPath]);
    const [file, trained] = [readFileSync(path), readFileSync(trainedPath)];
    const layout = parameterLayout(parseModel(file));
    const weights = readParameters(parseModel(file), layout);
    assert.notDeepEqual(readParameters(parseModel(trained), layout), weights);
    assert.deepEqual(Buffer.from(writeParameters(trained, layout, weights)), file);
  }
});

/** What devices said in declining. */
function reasonsOf({ history, current }: Job): string[] {
  const rounds = [...history, ...(current === undefined ? [] : [current])];
  return rounds.flatMap(({ participants }) => participants.flatMap(({ reason }) => reason || []));
}

/** On what devices hold back, the last round's model is so much better than the first's. */
function assertLearned(history: EndedJob["history"], share: number): void {
  const losses = history.map(({ federated }) => federated.eval_loss ?? Number.NaN);
  const [first = 0] = losses;
  assert.ok((losses.at(-1) ?? 1) < first * share, `loss by round ${losses}`);
}
