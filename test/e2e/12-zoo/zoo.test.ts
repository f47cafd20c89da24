import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { parameterLayout, parseModel, readParameters, writeParameters, zoo } from "@selvedge/onnx";
import { mainPath } from "../spawned-process.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";
import { categories, classes, inputShapes, writePatterns } from "./patterns.fixture.ts";

interface EndedJob {
  readonly status: string;
  readonly reason: string;
  readonly history: readonly { readonly federated: Readonly<Record<string, number>> }[];
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

  for (const [name, { loss }] of Object.entries(zoo)) {
    // A job's targets are classes of whole examples.
    if (loss.name !== "softmax-cross-entropy" || loss.axis !== undefined) continue;
    test(`${name} is trained across devices from its ONNX file`, async () => {
      const path = join(fleet.folder, `${name}.onnx`);
      const shape = inputShapes[name] ?? assert.fail(`there is no data for ${name}`);
      await newModel(name, shape, path);
      const jobPath = join(fleet.folder, `${name}.yaml`);
      writeFileSync(jobPath, jobFile(name, shape, path));
      const lines = await fleet.run(["job", "run", jobPath, "--id", `${name}-1`, "--watch", "--json"]);
      const { job } = JSON.parse(lines.trimEnd().split("\n").at(-1) ?? "") as { readonly job: EndedJob };
      assert.equal(job.status, "completed", job.reason);
      const losses = job.history.map(({ federated }) => federated.eval_loss ?? Number.NaN);
      const [first = 0] = losses;
      assert.ok((losses.at(-1) ?? 1) < first / 2, `loss by round ${losses}`);
    });
  }

  test("[RE9] what is trained is the file that the job came with, but for its parameters", async () => {
    const paths = { before: join(fleet.folder, "lenet.onnx"), after: join(fleet.folder, "lenet-1.onnx") };
    await fleet.run(["release", "lenet-1"]);
    await fleet.run(["model", "get", "lenet@1", "-o", paths.after]);
    const [file, trained] = [readFileSync(paths.before), readFileSync(paths.after)];
    const layout = parameterLayout(parseModel(file));
    const weights = readParameters(parseModel(file), layout);
    assert.notDeepEqual(readParameters(parseModel(trained), layout), weights);
    assert.deepEqual(Buffer.from(writeParameters(trained, layout, weights)), file);
  });
});

async function newModel(name: string, shape: readonly number[], path: string): Promise<void> {
  const codes = name === "tabular" ? ["--categories", categories.join(",")] : [];
  const sizes = ["--input", shape.join("x"), "--classes", `${classes}`];
  await promisify(execFile)(process.execPath, [
    mainPath(),
    "model",
    "new",
    name,
    ...sizes,
    ...codes,
    "-o",
    path,
  ]);
  // As an exporter might: a field that nobody here knows (20,000), after all others.
  appendFileSync(path, Uint8Array.of(0x82, 0xe2, 0x09, 3, 1, 2, 3));
}

function jobFile(name: string, shape: readonly number[], path: string): string {
  return `name: ${name}
model: ${path}
dataset: { name: ${name}, inputShape: [${shape}], classes: ${classes} }
localEpochs: 6
batchSize: 8
learningRate: ${name.startsWith("char-") ? 0.5 : 0.05}
heldOutFraction: 0.2
rounds: 2
cohort: 2
quorum: 2
deadline: 60s
seed: 1
`;
}
