import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Dataset, DatasetReading, TextSource } from "./dataset.ts";
import { describeDataset, openDataset } from "./open-dataset.ts";
import { classReading } from "./plan-reading.ts";
import { labelsOf, temporaryFile } from "./table.fixture.ts";

function text(t: TestContext, content: string | Uint8Array): TextSource {
  return { format: "text", path: temporaryFile(t, "speech.txt", content) };
}

function reading(stride: number, isEach = false, vocabulary = "ab"): DatasetReading {
  const characters = Array.from(vocabulary);
  return {
    target: { kind: "class", shape: isEach ? [3] : [], classes: characters.length + 1 },
    table: null,
    text: { vocabulary: characters, steps: 3, stride },
  };
}

async function open(t: TestContext, content: string, how: DatasetReading): Promise<Dataset> {
  return openDataset(text(t, content), how);
}

test("[DS9] examples are as many characters as the input, and what comes next is learned", async (t) => {
  const { inputs, targets, ...rest } = await open(t, "abba\u{1F600}abab", reading(3));
  assert.deepEqual([...inputs], [0, 1, 1, 0, 2, 0]);
  assert.deepEqual(targets, { kind: "class", classes: 3, shape: [], values: Int32Array.of(0, 1) });
  assert.deepEqual(rest, { name: "speech.txt", length: 2, inputShape: [3], scale: 1 });
});

test("[DS9] or for each place the character after it; examples may overlap", async (t) => {
  const { inputs, targets, length } = await open(t, "abbab", reading(1, true));
  assert.equal(length, 2);
  assert.deepEqual([...inputs], [0, 1, 1, 1, 1, 0]);
  assert.deepEqual(labelsOf(targets), [1, 1, 0, 1, 0, 1]);
});

test("many characters are read as well", async (t) => {
  const vocabulary = String.fromCodePoint(...Array.from({ length: 300 }, (_, index) => 0x4e00 + index));
  const { inputs } = await open(
    t,
    String.fromCodePoint(0x4e00 + 299, 0x4e00, 0x61, 0x62),
    reading(1, false, vocabulary),
  );
  assert.deepEqual(inputs, Float32Array.of(299, 0, 300));
});

test("[DS3] a text that is too short, is not UTF-8, or is no text to the plan is refused", async (t) => {
  await assert.rejects(open(t, "abb", reading(1)), { code: "corrupt", message: /has 3 characters/ });
  await assert.rejects(openDataset(text(t, Uint8Array.of(0xff, 0xfe)), reading(1)), { code: "corrupt" });
  await assert.rejects(open(t, "abba", classReading(2)), { code: "failed_precondition" });
  assert.deepEqual(await describeDataset(text(t, "abba")), { kind: "text" });
});
