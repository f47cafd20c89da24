import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { AggregatorSpecSchema, RoundSchema } from "@selvedge/protocol";
import { aggregatorFigures, aggregatorText } from "./aggregator-figures.ts";
import { roundHeader, roundLine } from "./round-table.ts";

test("an aggregator is shown as a job file names it", () => {
  const blocks = [{ name: "zeroing" }, { name: "clipping", bound: 2 }];
  const text = (name: string) => aggregatorText(create(AggregatorSpecSchema, { name, blocks }));
  assert.deepEqual(
    [text("weighted-mean"), text("sum")],
    ["zeroing, clipping, mean", "zeroing, clipping, sum"],
  );
});

test("what blocks measured stands behind a round's other figures, under a title", () => {
  const measurements = {
    "zeroing.zeroed": 1,
    "clipping.bound": 0.123456,
    "clipping.clipped": 3,
    "sum.weight": 7,
  };
  const round = create(RoundSchema, { number: 2, status: "completed", measurements });
  assert.deepEqual(aggregatorFigures(round), [
    ["zeroed", "1"],
    ["clip at", "0.1235"],
    ["clipped", "3"],
  ]);
  assert.match(roundHeader(round), /zeroed\s+clip at\s+clipped$/);
  assert.match(roundLine(round), /1\s+0\.1235\s+3$/);
});
