import assert from "node:assert/strict";
import { test } from "node:test";
import { imageLayout } from "./image-layout.ts";
import { pipelineSchema } from "./pipeline.ts";
import { scoresOutput } from "./top-classes.ts";

test("how a model takes a picture is read from its input, and from the pipeline where that is open", () => {
  const cases: readonly (readonly [
    dims: (number | string)[],
    image: object,
    expected: readonly number[],
    planar: boolean,
  ])[] = [
    [["batch", 784], { height: 28, width: 28 }, [1, 784], true],
    [["batch", 1, 28, 28], {}, [1, 1, 28, 28], true],
    [["batch", 3, 224, 224], {}, [1, 3, 224, 224], true],
    [["batch", 224, 224, 3], {}, [1, 224, 224, 3], false],
    [[1, "channels", "height", "width"], { height: 32, width: 64, channels: 3 }, [1, 3, 32, 64], true],
  ];
  for (const [dims, image, expected, planar] of cases) {
    const layout = imageLayout(options(image), signature(dims));
    assert.deepEqual([layout.dims, layout.planar], [expected, planar], JSON.stringify(dims));
  }
});

test("[SV17] a pipeline that does not fit its model says why", () => {
  const cases: readonly (readonly [dims: (number | string)[], image: object, words: RegExp])[] = [
    [["batch", 784], {}, /row of numbers: give the image's height and width/],
    [["batch", 784], { height: 32, width: 32 }, /32 x 32 x 1 are 1024, input "input" is \[-1,784\]/],
    [["batch", 3, 28, 28], { channels: 1 }, /give the image's height, width and channels as it has them/],
    [["batch", 4, 28], {}, /has the shape \[-1,4,28\]/],
    [[8, 784], { height: 28, width: 28 }, /a batch of 8/],
  ];
  for (const [dims, image, words] of cases) {
    assert.throws(() => imageLayout(options(image), signature(dims)), words);
  }
  const output = { softmax: false, top: 1 };
  assert.throws(
    () => scoresOutput({ ...output, name: "other" }, signature([1])),
    /no output "other", but "logits"/,
  );
  assert.throws(
    () => scoresOutput({ ...output, labels: ["a", "b"] }, signature([1])),
    /2 labels for 10 classes/,
  );
});

function options(image: object) {
  return pipelineSchema.parse({ image }).image;
}

function signature(dims: readonly (number | string)[]) {
  return {
    inputs: [{ name: "input", type: "float32" as const, dims }],
    outputs: [{ name: "logits", type: "float32" as const, dims: ["batch", 10] }],
  };
}
