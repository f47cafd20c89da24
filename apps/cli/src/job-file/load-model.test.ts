import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildMlp, buildZooModel, serializeModel } from "@selvedge/onnx";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { type JobFile, parseJobFile } from "./job-file.ts";
import { loadModel } from "./load-model.ts";

suite("a job's model", () => {
  let folder = "";
  const mlp = serializeModel(buildMlp({ inputShape: [4], hidden: [3], classes: 2, seed: 5 }));
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
    await writeFile(join(folder, "mlp.onnx"), mlp);
    await writeFile(join(folder, "notes.txt"), "not a model");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const job = (model: string, classes = 2): JobFile =>
    parseJobFile(
      `{ name: a, model: ${model}, dataset: { name: d, inputShape: [4], classes: ${classes} }, learningRate: 1, rounds: 1, cohort: 1 }`,
      join(folder, "job.yaml"),
    );

  test("is read beside the job file", async () => {
    const { bytes, reference } = await loadModel(job("mlp.onnx"));
    assert.deepEqual(Buffer.from(bytes), Buffer.from(mlp));
    assert.deepEqual(reference, { digest: digestOf(mlp), length: mlp.length });
  });

  test("is built from its seed", async () => {
    const { reference } = await loadModel(
      job("{ builder: mlp, input: [4], hidden: [3], classes: 2, seed: 5 }"),
    );
    assert.equal(reference.digest, digestOf(mlp));
  });

  test("that is no ONNX file is refused with its path", async () => {
    await assert.rejects(loadModel(job("notes.txt")), refusal("corrupt", /notes\.txt$/));
    await assert.rejects(loadModel(job("missing.onnx")), refusal("not_found", /missing\.onnx$/));
  });

  test("that does not fit the dataset is refused before anything is sent", async () => {
    await assert.rejects(loadModel(job("mlp.onnx", 3)), refusal("invalid_argument", /mlp\.onnx$/));
  });

  test("is compiled as the job trains it: with its loss, and with what it freezes", async () => {
    const plain = job("mlp.onnx");
    await loadModel({ ...plain, frozen: ["fc1.*"] });
    await assert.rejects(
      loadModel({ ...plain, frozen: ["encoder.*"] }),
      refusal("invalid_argument", /mlp\.onnx$/),
    );
  });

  test("is refused when its loss wants more labels than one for each example", async () => {
    const loss = { name: "binary-cross-entropy" } as const;
    await assert.rejects(loadModel({ ...job("mlp.onnx"), loss }), {
      code: "invalid_argument",
      message:
        /gives \[2\], of which its loss learns 2 classes of \[2\]; the dataset has \[4\] and 2 classes/,
      fix: /target/,
    });
    const images = buildZooModel("unet", { inputShape: [3, 16, 16], classes: 2, seed: 1 });
    await writeFile(join(folder, "images.onnx"), serializeModel(images));
    await assert.rejects(loadModel(job("images.onnx")), {
      code: "invalid_argument",
      message: /gives \[2, 16, 16\], of which its loss learns 16 classes of \[2, 16\]/,
      fix: /target/,
    });
  });

  test("of one score is refused by softmax, and trained by binary cross-entropy", async () => {
    await writeFile(
      join(folder, "one.onnx"),
      serializeModel(buildMlp({ inputShape: [4], hidden: [], classes: 1, seed: 1 })),
    );
    await assert.rejects(loadModel(job("one.onnx")), {
      code: "invalid_argument",
      message: /one score/,
      fix: /binary-cross-entropy/,
    });
    await loadModel({ ...job("one.onnx"), loss: { name: "binary-cross-entropy" } });
  });

  test("of images takes them without the channel that their files do not have, but in no other order", async () => {
    const images = (inputShape: string): JobFile => {
      const model = "{ builder: cnn, input: [1, 4, 6], channels: [2], kernel: 3, classes: 2 }";
      const { dataset, ...rest } = job(model);
      return { ...rest, dataset: { ...dataset, inputShape: JSON.parse(inputShape) } };
    };
    for (const fits of ["[4, 6]", "[1, 4, 6]", "[24]"]) await loadModel(images(fits));
    await assert.rejects(loadModel(images("[6, 4]")), (thrown) => {
      assert.match(String(thrown), /takes \[1, 4, 6\].*the dataset has \[6, 4\]/);
      return true;
    });
  });
});

function refusal(code: string, at: RegExp): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof SelvedgeError && thrown.code === code && at.test(thrown.at ?? "");
}
