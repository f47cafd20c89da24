import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "./parse-duration.ts";

test("durations are a number and a unit", () => {
  const cases: readonly (readonly [text: string, ms: number | undefined])[] = [
    ["250ms", 250],
    ["0s", 0],
    ["90s", 90_000],
    ["2m", 120_000],
    ["1.5h", 5_400_000],
    ["7d", 604_800_000],
    ["90", undefined],
    ["2 m", undefined],
    ["-2m", undefined],
    ["1h30m", undefined],
    ["", undefined],
    ["1e3s", undefined],
    ["2w", undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});
