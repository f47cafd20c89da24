import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { parseJobFile } from "./job-file.ts";

const text = `name: digits
model: { builder: mlp, input: [4], hidden: [], classes: 2 }
dataset: { name: digits, inputShape: [4], classes: 2 }
learningRate: 0.1
rounds: 1
cohort: 2
`;

function aggregatorOf(aggregator: string) {
  return parseJobFile(`${text}aggregator: ${aggregator}\n`, "job.yaml").aggregator;
}

test("an aggregator is a part, or a list in the order in which updates go through it", () => {
  const mean = { name: "weighted-mean", robust: {}, blocks: [] };
  assert.deepEqual(parseJobFile(text, "job.yaml").aggregator, mean);
  assert.deepEqual(aggregatorOf("{ name: mean }"), mean);
  assert.deepEqual(aggregatorOf("sum"), { ...mean, name: "sum" });
  assert.deepEqual(
    aggregatorOf("[zeroing, { name: clipping, quantile: 0.5 }, { name: quantisation, bits: 8 }, mean]"),
    {
      ...mean,
      blocks: [{ name: "zeroing" }, { name: "clipping", quantile: 0.5 }, { name: "quantisation", bits: 8 }],
    },
  );
});

const wrong: readonly (readonly [aggregator: string, message: RegExp, fix?: RegExp])[] = [
  ["median-of-means", /^aggregator: there is no "median-of-means"$/, /median/],
  ["[clippin, mean]", /^aggregator.0: there is no "clippin"$/, /did you mean "clipping"/],
  ["[{ name: clipping, quantil: 1 }, mean]", /^unknown key "aggregator.0.quantil"$/, /"quantile"/],
  ["[]", /^aggregator: /],
  ["[clipping]", /^aggregator.0: "clipping" is followed by what makes one of all updates: mean/],
  ["[mean, clipping]", /^aggregator.0: "mean" makes one of all updates: it stands last/],
  ["[clipping, zeroing, mean]", /^aggregator.1: "zeroing" has to stand before "clipping": it looks at/],
  ["[{ name: quantisation, bits: 8 }, clipping, mean]", /^aggregator.1: "clipping" has to stand before/],
  ["[clipping, clipping, mean]", /^aggregator.1: "clipping" stands there twice/],
  ["[quantisation, mean]", /^aggregator.0: "quantisation" needs options/],
  ["[{ name: quantisation }, mean]", /^aggregator.0.bits is missing/],
  ["[{ name: quantisation, bits: 17 }, mean]", /^aggregator.0.bits: /],
  ["[{ name: sampling, fraction: 1 }, mean]", /^aggregator.0.fraction: /],
  ["[{ name: clipping, bound: 1, quantile: 0.5 }, mean]", /^aggregator.0: bound stays/],
];

for (const [aggregator, message, fix = /./] of wrong) {
  test(`a job file with aggregator: ${aggregator} is refused with cause, place and fix`, () => {
    assert.throws(
      () => aggregatorOf(aggregator),
      (error) =>
        error instanceof SelvedgeError &&
        error.code === "invalid_argument" &&
        message.test(error.message) &&
        /^job.yaml:7/.test(error.at ?? "") &&
        fix.test(error.fix ?? "."),
    );
  });
}
