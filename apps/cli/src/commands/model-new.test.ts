import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildZooModel, serializeModel, zoo } from "@selvedge/onnx";
import { parseJobFile } from "../job-file/job-file.ts";
import { loadModel } from "../job-file/load-model.ts";
import { type Outcome, selvedge } from "../terminal.fixture.ts";

const twoClasses = { kind: "class", shape: [], classes: 2 };

suite("selvedge model new", () => {
  let folder = "";
  const run = (line: string): Promise<Outcome> => selvedge(line.split(" "), { workingFolder: folder });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("every model of the zoo is written for what it is usually built for, and can be trained", async () => {
    for (const [name, { example }] of Object.entries(zoo)) {
      const { inputShape, classes, categories = [] } = example;
      const told = classes === undefined ? "" : ` --classes ${classes}`;
      const sizes = `--input ${inputShape.join("x")}${told}`;
      const codes = categories.length > 0 ? ` --categories ${categories.join(",")}` : "";
      const { code, stdout, stderr } = await run(`model new ${name} ${sizes}${codes} --seed 7`);
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`/${name}\\.onnx: [\\d,]+ parameters, from \\[.*\\].*\\n`));
      assert.match(stdout, new RegExp(`\\nnext: selvedge model check ${name}\\.onnx\\n$`));
      // What it says of a job and its data is sound.
      const [, job = ""] = /begin with:\n\n([\s\S]*)\n\nnext/.exec(stdout) ?? [];
      await loadModel(parseJobFile(job, join(folder, "job.yaml")));
      assert.match(
        stdout,
        name === "autoencoder" ? /\ndata: .*; no labels\n/ : /; labels \[N.*whole numbers below/,
      );
      const expected = serializeModel(buildZooModel(name, { ...example, seed: 7 }));
      assert.deepEqual(await readFile(join(folder, `${name}.onnx`)), Buffer.from(expected));
      const checked = await run(`model check ${name}.onnx --json`);
      assert.equal(checked.code, 0, checked.stderr);
      // What a layer is made with is constant: how far an image is padded, a factor, what a step may not see.
      const frozen: readonly { readonly why: string }[] = JSON.parse(checked.stdout).frozen;
      assert.ok(
        frozen.every(({ why }) => /^int64|^a scalar|a mask$/.test(why)),
        checked.stdout,
      );
    }
  });

  test("lists what there is, for people and for programs", async () => {
    const { stdout } = await run("model new --list");
    assert.match(stdout, /^cnn +channels x height x width +1x28x28 to 10 +1,663,370 {2}two convolutions/m);
    const { models } = JSON.parse((await run("model new --list --json")).stdout);
    assert.deepEqual(
      models.map(({ name }: { name: string }) => name),
      Object.keys(zoo),
    );
    assert.equal(models[0].example.parameters, 199_210);
  });

  test("says the same to programs", async () => {
    const { stdout } = await run("model new mlp --input 4x4 --classes 3 -o small.onnx --json");
    const path = join(folder, "small.onnx");
    const { job, ...rest } = JSON.parse(stdout);
    const data = "examples [N, 4, 4]; labels [N], whole numbers below 3";
    assert.deepEqual(rest, { path, parameters: 44_203, inputShape: [4, 4], classes: 3, data });
    const { dataset, loss } = parseJobFile(job, join(folder, "job.yaml"));
    assert.deepEqual(dataset.target, { kind: "class", shape: [], classes: 3 });
    assert.equal(loss.name, "softmax-cross-entropy");
  });

  test("one score is of two classes, and is learned by binary cross-entropy", async () => {
    const { stdout } = await run("model new mlp --input 4 --classes 1 -o score.onnx --json");
    const { job, data } = JSON.parse(stdout);
    assert.equal(data, "examples [N, 4]; labels [N], whole numbers below 2");
    const parsed = parseJobFile(job, join(folder, "job.yaml"));
    assert.deepEqual([parsed.loss.name, parsed.dataset.target], ["binary-cross-entropy", twoClasses]);
    await loadModel(parsed);
    const told = await run("model new mlp --input 4 --classes 1 -o told.onnx");
    assert.match(told.stdout, /told\.onnx: [\d,]+ parameters, from \[4\] to one score\n/);
  });

  test("a file that is there stays, and says so", async () => {
    await run("model new mlp --input 2 --classes 2 -o kept.onnx");
    const before = await readFile(join(folder, "kept.onnx"));
    const { code, stderr } = await run("model new mlp --input 3 --classes 3 -o kept.onnx");
    assert.equal(code, 3);
    assert.match(stderr, /there already[\s\S]*kept\.onnx\n {2}fix: give another name with -o/);
    assert.deepEqual(await readFile(join(folder, "kept.onnx")), before);
    const lost = await run("model new mlp --input 2 --classes 2 -o none/m.onnx");
    assert.deepEqual([lost.code, /none\/m\.onnx/.test(lost.stderr)], [3, true]);
  });

  test("what is missing or impossible is an error that names what would work", async () => {
    const refusals: readonly (readonly [string, RegExp])[] = [
      ["model new", /fix: name one of mlp, lenet, cnn, /],
      ["model new vgg", /no model "vgg" in the zoo\n {2}fix: use one of mlp, /],
      ["model new cnn", /channels x height x width[\s\S]*fix: give --input 1x28x28 and --classes 10, or/],
      ["model new cnn --input 1x28x28", /how many classes[\s\S]*--classes 10/],
      [
        "model new cnn --input 28x28 --classes 10",
        /that is no image\n {2}fix: give channels, height and width/,
      ],
      ["model new cnn --input 1,28,28 --classes 10", /sizes like 1x28x28/],
      ["model new cnn --input 0x28 --classes 10", /1 or more/],
      ["model new tabular --input 2 --classes 2 --categories a", /numbers like 12,7,24/],
    ];
    for (const [line, pattern] of refusals) {
      const { code, stderr } = await run(line);
      assert.equal(code, 2, line);
      assert.match(stderr, pattern, line);
    }
  });
});
