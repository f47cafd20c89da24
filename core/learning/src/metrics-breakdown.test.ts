import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { combineMetrics } from "./federated-metrics.ts";
import { breakDownMetrics, type DeviceReport } from "./metrics-breakdown.ts";

function report(accuracy: number, group = "", tags: readonly string[] = [], examples = 10): DeviceReport {
  return { weight: examples, metrics: { eval_accuracy: accuracy, eval_examples: examples }, group, tags };
}

function told(reports: readonly DeviceReport[]): string[] {
  return breakDownMetrics(reports).groups.map(({ kind, name }) => `${kind} ${name}`);
}

function many(count: number, group = "", tags: readonly string[] = []): DeviceReport[] {
  return Array.from({ length: count }, (_, index) => report(index / count, group, tags));
}

test("[EV4] a figure is told by quartiles over devices, whatever each weighs", () => {
  const { spread } = breakDownMetrics([0.5, 1, 0, 0.75].map((one, at) => report(one, "", [], 2 ** at)));
  assert.deepEqual(spread, {
    eval_accuracy: {
      ...{ devices: 4, minimum: 0, lowerQuartile: 0.375, median: 0.625 },
      ...{ upperQuartile: 0.8125, maximum: 1 },
    },
  });
});

test("[EV4] a group's figures are what they would be were it the cohort", () => {
  const north = [report(0.5, "north"), report(1, "north", [], 30), report(0.25, "north")];
  const { groups } = breakDownMetrics([...north, ...many(3, "south")]);
  assert.deepEqual(groups[0], {
    ...{ kind: "group", name: "north", devices: 3 },
    metrics: { eval_accuracy: combineMetrics(north).eval_accuracy },
  });
});

test("[EV4] nothing is told of fewer than three devices, nor what subtraction would tell of so few", () => {
  assert.deepEqual(breakDownMetrics(many(2)), { spread: {}, groups: [] });
  assert.deepEqual(told([...many(4, "north"), ...many(3, "south")]), ["group north", "group south"]);
  // Of one device without a group all but it would be known; the smallest group is not told, so that it is one of four.
  assert.deepEqual(told([...many(4, "north"), ...many(3, "south"), ...many(1)]), ["group north"]);
  assert.deepEqual(told([...many(4, "north"), ...many(1, "south")]), []);
  assert.deepEqual(told([...many(5, "", ["new"]), ...many(3)]), ["tag new"]);
  assert.deepEqual(told([...many(5, "", ["new"]), ...many(2)]), []);
  // "small" and "new" differ in one device.
  const nested = [...many(4, "", ["new", "small"]), ...many(1, "", ["new"]), ...many(5)];
  assert.deepEqual(told(nested), ["tag new"]);
});

test("[EV4] of a figure that some devices do not have, those count that do", () => {
  const without: DeviceReport = { weight: 10, metrics: { train_loss: 1 }, group: "north", tags: [] };
  const reports = [...many(2, "north"), without, ...many(3, "south")];
  for (const one of reports) Object.assign(one.metrics, { train_loss: 1 });
  const { groups, spread } = breakDownMetrics(reports);
  assert.equal(spread.eval_accuracy?.devices, 5);
  assert.deepEqual(
    groups.map(({ name, metrics }) => [name, Object.keys(metrics)]),
    [
      ["north", ["train_loss"]],
      ["south", ["train_loss"]],
    ],
  );
});

test("[EV4] counts, and the rates of single classes, are not broken down", () => {
  const metrics = Object.fromEntries(
    ["true_positives", "false_positives", "false_negatives"].map((name) => [`eval_${name}_0`, 5]),
  );
  const one = { weight: 1, metrics: { ...metrics, eval_top_2_correct: 3, eval_examples: 4 }, group: "a" };
  const { spread } = breakDownMetrics(Array(3).fill({ ...one, tags: [] }));
  assert.deepEqual(Object.keys(spread).sort(), ["eval_macro_f1", "eval_top_2"]);
});

test("[EV4] every set that is told, and every difference of two, is of three devices or more", () => {
  const member = fc.record({
    group: fc.constantFrom("", "a", "b", "c"),
    tags: fc.uniqueArray(fc.constantFrom("x", "y", "z")),
  });
  fc.assert(
    fc.property(fc.array(member, { maxLength: 24 }), (members) => {
      const reports = members.map((one, index) => report(index / 24, one.group, one.tags));
      const { groups } = breakDownMetrics(reports);
      const sets = groups.map(({ kind, name }) =>
        reports.filter(({ group, tags }) => (kind === "tag" ? tags.includes(name) : group === name)),
      );
      const inGroups = sets.filter((_, at) => groups[at]?.kind === "group").flat();
      for (const one of [reports, inGroups, ...sets]) {
        for (const other of [reports, inGroups, ...sets]) {
          const alone = one.filter((each) => !other.includes(each)).length;
          assert.ok(groups.length === 0 || other.length === 0 || alone === 0 || alone >= 3);
        }
      }
      assert.deepEqual(breakDownMetrics(reports.toReversed()), { ...breakDownMetrics(reports) });
    }),
  );
});
