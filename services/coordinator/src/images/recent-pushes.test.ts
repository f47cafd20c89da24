import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "@selvedge/protocol";
import { RecentPushes } from "./recent-pushes.ts";

const [first, second] = [digestOf(Buffer.from("first")), digestOf(Buffer.from("second"))];

test("a blob is forgotten once a manifest names it, and its repository with the last of them", () => {
  const pushes = new RecentPushes(() => 0);
  pushes.add("tools/x", first);
  pushes.add("tools/x", second);
  assert.deepEqual([pushes.has("tools/x", first), pushes.has("tools/y", first)], [true, false]);
  pushes.forget("tools/x", [first]);
  assert.deepEqual([pushes.has("tools/x", first), pushes.has("tools/x", second)], [false, true]);
  assert.ok(pushes.hasAny("tools/x"));
  pushes.forget("tools/x", [second]);
  assert.ok(!pushes.hasAny("tools/x"));
});

test("a blob that no manifest names within a day is forgotten, unless it was pushed again", () => {
  let now = 0;
  const pushes = new RecentPushes(() => now);
  pushes.add("tools/x", first);
  pushes.add("tools/x", second);
  pushes.add("tools/y", second);
  now = 1;
  pushes.add("tools/x", first);
  now = 86_400_001;
  pushes.add("tools/z", first);
  assert.deepEqual([pushes.has("tools/x", first), pushes.has("tools/x", second)], [true, false]);
  assert.ok(!pushes.hasAny("tools/y"));
});
