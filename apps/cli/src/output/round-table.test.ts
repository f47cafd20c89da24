import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RoundSchema } from "@selvedge/protocol";
import { hasFigures, roundHeader, roundLine } from "./round-table.ts";

const contributedBy = (count: number, cohort: number): { device: string; status: string }[] =>
  Array.from({ length: cohort }, (_, index) => ({
    device: `device-${index}`,
    status: index < count ? "contributed" : "declined",
  }));

test("rounds stand under their header", () => {
  const round = create(RoundSchema, {
    number: 3,
    status: "completed",
    openedAtMs: 1_000n,
    closedAtMs: 5_210n,
    participants: contributedBy(9, 10),
    evaluation: { accuracy: 0.96123, loss: 0.12345 },
    federated: { eval_accuracy: 0.5, eval_loss: 2 },
    bytesUp: 7_171_560n,
    bytesDown: 7_968_400n,
  });
  const failed = create(RoundSchema, { number: 4, status: "failed", reason: "3 of 8\nby the deadline" });
  assert.equal(
    [roundHeader(round), roundLine(round), roundLine(failed)].join("\n"),
    [
      "round  accuracy      loss    devices         up       down  seconds",
      "    3    0.9612    0.1235       9/10     7.2 MB     8.0 MB      4.2",
      "    4  failed: 3 of 8?by the deadline",
    ].join("\n"),
  );
});

test("without evaluation the devices' own held-out data counts, and then nothing", () => {
  const federated = create(RoundSchema, { number: 1, federated: { eval_accuracy: 0.5, train_loss: 1 } });
  assert.match(roundLine(federated), /0\.5000 {4}1\.0000/);
  assert.match(roundLine(create(RoundSchema, { number: 1 })), /^ {4}1 {9}- {9}- /);
});

test("of two classes F1 and average precision stand beside the rest, and statistics are said to be such", () => {
  const statistics = create(RoundSchema, {
    number: 1,
    phase: "statistics",
    status: "completed",
    participants: contributedBy(4, 4),
  });
  const round = create(RoundSchema, {
    number: 2,
    status: "completed",
    participants: contributedBy(4, 4),
    evaluation: { accuracy: 0.999, loss: 0.01, f1: 0.95, average_precision: 1 },
  });
  assert.equal([statistics, round].find(hasFigures), round);
  assert.equal(
    [roundLine(statistics), roundHeader(round), roundLine(round)].join("\n"),
    [
      "    1  statistics of 4/4 devices",
      "round  accuracy      loss    devices         up       down  seconds        F1  avg.prec.",
      "    2    0.9990    0.0100        4/4        0 B        0 B      0.0    0.9500     1.0000",
    ].join("\n"),
  );
});

test("what else a round measured stands beside the rest, but for single classes", () => {
  const round = create(RoundSchema, {
    number: 3,
    status: "completed",
    evaluation: { accuracy: 0.5, loss: 2, top_5: 0.9, f1_0: 0.1 },
    federated: { eval_top_5: 0.8, eval_macro_f1: 0.4, eval_perplexity: 7.5, eval_precision_1: 1 },
  });
  assert.equal(
    [roundHeader(round), roundLine(round)].join("\n"),
    [
      "round  accuracy      loss    devices         up       down  seconds  macro F1   perplex.      top 5",
      "    3    0.5000    2.0000        0/0        0 B        0 B      0.0    0.4000     7.5000     0.9000",
    ].join("\n"),
  );
});
