import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { DatasetRequestSchema } from "./gen/selvedge/v1/round_pb.js";
import { textSchemaOf } from "./text-schema.ts";

const text = { vocabulary: "ab\u{1F600}", stride: 5 };

function schemaOf(
  change: MessageInitShape<typeof DatasetRequestSchema> = {},
): ReturnType<typeof textSchemaOf> {
  const base = { name: "speeches", inputShape: [10], classes: 4, text, ...change };
  return textSchemaOf(create(DatasetRequestSchema, base as MessageInitShape<typeof DatasetRequestSchema>));
}

test("[DS9] a text's vocabulary is of code points, and has one code more for all others", () => {
  const schema = { vocabulary: ["a", "b", "\u{1F600}"], steps: 10, stride: 5 };
  assert.deepEqual(schemaOf(), schema);
  assert.deepEqual(schemaOf({ target: { kind: "class", shape: [10] } }), schema);
  assert.equal(textSchemaOf(create(DatasetRequestSchema, { inputShape: [10], classes: 4 })), null);
});

const refused: Readonly<Record<string, MessageInitShape<typeof DatasetRequestSchema>>> = {
  "text.vocabulary": { text: { ...text, vocabulary: "aba" } },
  "text.stride": { text: { ...text, stride: 0 } },
  input_shape: { inputShape: [2, 5] },
  classes: { classes: 3 },
  columns: { columns: [{ name: "a" }] },
  "target.shape": { target: { kind: "class", shape: [9] } },
};

for (const [field, change] of Object.entries(refused)) {
  test(`[OF1] a plan whose dataset.${field} does not fit a text is refused and named`, () => {
    assert.throws(() => schemaOf(change), { at: `plan.dataset.${field}` });
    assert.throws(() => schemaOf({ text: { vocabulary: "", stride: 1 } }), {
      at: "plan.dataset.text.vocabulary",
    });
  });
}
