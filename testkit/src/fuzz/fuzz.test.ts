import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { fuzz } from "./fuzz.ts";
import type { FuzzTarget } from "./fuzz-target.ts";

const magic = Uint8Array.of(0x53, 0x01, 0x02, 0x03);

/** Takes what begins with "S"; a length of 255 in the second byte is a mistake nobody thought of. */
const careless: FuzzTarget = {
  name: "careless",
  examples: () => [magic],
  words: ["S"],
  decode(input) {
    if (input[0] !== 0x53) throw new SelvedgeError("corrupt", "no magic");
    if (input[1] === 0xff) throw new RangeError("Invalid array length");
    return input.length;
  },
};

test("a decoder's unplanned error is found, with the input that shows it again", async () => {
  const { finding } = await fuzz(careless, { inputs: 5_000, from: 0 });
  assert.ok(finding !== undefined);
  assert.ok(finding.error instanceof RangeError);
  assert.throws(() => careless.decode(finding.input), RangeError);
  const again = await fuzz(careless, { inputs: 1, from: finding.number });
  assert.deepEqual(again.finding?.input, finding.input);
});

test("refusing with a SelvedgeError is what a decoder should do", async () => {
  const careful: FuzzTarget = {
    ...careless,
    name: "careful",
    decode: (input) => careless.decode(input.subarray(0, 1)),
  };
  const report = await fuzz(careful, { inputs: 1_000, from: 10 });
  assert.equal(report.finding, undefined);
  assert.equal(report.accepted + report.refused, 1_000);
  assert.ok(report.accepted > 100 && report.refused > 10, JSON.stringify(report));
});

test("an internal error is a finding, and a target must take its own examples", async () => {
  const internal: FuzzTarget = {
    ...careless,
    decode(input) {
      if (input.length > 4) throw new SelvedgeError("internal", "should not happen");
    },
  };
  assert.ok((await fuzz(internal, { inputs: 100, from: 0 })).finding !== undefined);
  const picky: FuzzTarget = { ...careless, examples: () => [Uint8Array.of(0)] };
  await assert.rejects(fuzz(picky, { inputs: 1, from: 0 }), /no magic/);
});
