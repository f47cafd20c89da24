import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { aggregateRobustly, robustRuleNamed, type StoredUpdates } from "@selvedge/learning";
import type { RobustSettings } from "@selvedge/protocol";

interface ReferenceCase {
  /** Of each device. */
  readonly updates: readonly (readonly number[])[];
  readonly weights: readonly number[];
  readonly rules: readonly {
    readonly name: string;
    readonly options: RobustSettings;
    readonly result: readonly number[];
  }[];
}

// Written by bench/peers/robust.
const reference: readonly ReferenceCase[] = JSON.parse(
  readFileSync(new URL("./reference.json", import.meta.url), "utf8"),
) as ReferenceCase[];

describe("robust rules give what numpy gives", () => {
  for (const { updates, weights, rules } of reference) {
    for (const { name, options, result: wanted } of rules) {
      test(`${name} ${JSON.stringify(options)} of ${updates.length}`, async () => {
        const { result } = await aggregateRobustly(
          robustRuleNamed(name, options),
          inMemory(updates, weights),
        );
        assert.equal(result.length, wanted.length);
        for (const [index, value] of wanted.entries()) {
          const own = result[index] ?? Number.NaN;
          assert.ok(
            Math.abs(own - value) < 1e-11 * (1 + Math.abs(value)),
            `${index}: ${own}, numpy's ${value}`,
          );
        }
      });
    }
  }
});

function inMemory(updates: ReferenceCase["updates"], weights: readonly number[]): StoredUpdates {
  const named = new Map(
    updates.map((update, index) => [`d${String(index).padStart(4, "0")}`, Float32Array.from(update)]),
  );
  return {
    contributions: [...named.keys()].map((device, index) => ({ device, weight: weights[index] ?? 0 })),
    parameters: updates[0]?.length ?? 0,
    async read(device, offset, into) {
      into.set(named.get(device)?.subarray(offset, offset + into.length) ?? []);
    },
    async pause() {},
  };
}
