import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildCnn, buildMlp, serializeModel } from "@selvedge/onnx";
import { floats, modelOf, node, value } from "@selvedge/onnx/models.fixture";
import { type Outcome, selvedge } from "../terminal.fixture.ts";

suite("selvedge model check", () => {
  let folder = "";
  const run = (line: string): Promise<Outcome> => selvedge(line.split(" "), { workingFolder: folder });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
    const cnn = buildCnn({
      inputShape: [1, 8, 8],
      channels: [4],
      kernel: 3,
      hidden: [],
      classes: 3,
      seed: 1,
    });
    await writeFile(join(folder, "cnn.onnx"), serializeModel(cnn));
    await writeFile(join(folder, "notes.onnx"), "not a model");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("says what is trained, and what a step takes", async () => {
    const { code, stdout } = await run("model check cnn.onnx --batch-size 10");
    assert.equal(code, 0);
    assert.match(stdout, /^takes +\[1, 8, 8\], float32\ngives +3 classes\nparameters +235\n/);
    assert.match(stdout, /^memory +\d+\.\d MB and the data, in batches of 10$/m);
    // Forward and by the weight: the convolution, and the layer, which has a gradient by its input as well.
    const [convolution, layer] = [64 * 9 * 4, 64 * 3];
    const products = (10 * (2 * convolution + 3 * layer)).toLocaleString("en-US");
    assert.ok(stdout.includes(`multiply-adds  ${products} a step\n`), stdout);
    assert.match(stdout, /^conv1\.weight +\[4, 1, 3, 3\] +trained$/m);
  });

  test("calls one number of each example no class", async () => {
    const one = buildMlp({ inputShape: [4], hidden: [], classes: 1, seed: 1 });
    await writeFile(join(folder, "one.onnx"), serializeModel(one));
    assert.match((await run("model check one.onnx")).stdout, /^gives +\[1\], float32$/m);
  });

  test("checks with any loss, and one that is an output of the model", async () => {
    const parameters = [floats("v", [4, 4], Array(16).fill(0.1)), floats("w", [4, 2], Array(8).fill(0.1))];
    const model = modelOf({
      inputs: [value("x", ["N", 4]), value("labels", ["N", 2])],
      nodes: [
        node("MatMul", ["x", "v"], "h"),
        node("MatMul", ["h", "v"], "g"),
        node("MatMul", ["g", "w"], "y"),
        node("Sub", ["y", "labels"], "d"),
        node("Abs", ["d"], "loss"),
      ],
      outputs: [value("y", ["N", 2]), value("loss", ["N", 2])],
      initializers: parameters,
    });
    await writeFile(join(folder, "own.onnx"), serializeModel(model));
    const { code, stdout } = await run("model check own.onnx --loss custom --loss-output loss");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^v +\[4, 4\] +trained, one weight in 2 places: h\/MatMul \(MatMul\), g\/MatMul \(MatMul\)$/m,
    );
    assert.match(stdout, /^w +\[4, 2\] +trained$/m);
    assert.equal((await run("model check cnn.onnx --loss mean-squared-error")).code, 0);
    const wrong = async (options: string): Promise<string> => (await run(`model check ${options}`)).stderr;
    assert.match(await wrong("cnn.onnx --loss hinge"), /no loss "hinge"[\s\S]*cosine/);
    assert.match(await wrong("own.onnx --loss custom"), /which output/);
    assert.match(await wrong("own.onnx"), /2 outputs of float32/);
    assert.match(await wrong("own.onnx --loss huber --loss-output loss"), /no option "output"/);
  });

  test("says the same to programs", async () => {
    const report = JSON.parse((await run("model check cnn.onnx --json")).stdout);
    assert.deepEqual([report.inputShape, report.classes], [[1, 8, 8], 3]);
    assert.equal(report.trained.length, 4);
    assert.deepEqual(report.frozen, []);
    assert.deepEqual([report.cost.batchSize, report.cost.parameters], [32, 235]);
    assert.ok(report.cost.memoryBytes > 1e8);
  });

  test("names the file that cannot be trained", async () => {
    const { code, stderr } = await run("model check notes.onnx");
    assert.equal(code, 2);
    assert.match(stderr, /not an ONNX file[\s\S]*notes\.onnx/);
  });
});
