import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAgo, formatBytes, formatCount, formatSpan, formatTime, formatUntil } from "./units.ts";

test("bytes are shown in decimal units", () => {
  const shown = [0, 812, 999, 1_000, 796_840, 999_949, 999_950, 7_600_000n, 4_294_967_296].map(formatBytes);
  assert.deepEqual(shown, [
    "0 B",
    "812 B",
    "999 B",
    "1.0 kB",
    "796.8 kB",
    "999.9 kB",
    "1.0 MB",
    "7.6 MB",
    "4.3 GB",
  ]);
});

test("counts have their thousands apart", () => {
  assert.deepEqual([0, 999, 1_663_370].map(formatCount), ["0", "999", "1,663,370"]);
});

test("spans are shown in their largest whole unit", () => {
  assert.deepEqual([-5, 0, 59_999, 60_000, 7_199_999, 86_400_000].map(formatSpan), [
    "0s",
    "0s",
    "59s",
    "1m",
    "1h",
    "1d",
  ]);
});

test("times are shown from now", () => {
  assert.equal(formatAgo(0n, 5_000), "never");
  assert.equal(formatAgo(2_000, 5_000), "3s ago");
  assert.equal(formatUntil(65_000n, 5_000), "in 1m");
  assert.equal(formatUntil(7 * 86_400_000 - 40_000, 0), "in 7d");
  assert.equal(formatUntil(3_599_999, 0), "in 1h");
  assert.equal(formatUntil(5_000, 5_000), "expired");
  assert.equal(formatTime(1_795_496_180_123), "2026-11-24 04:56:20Z");
});
