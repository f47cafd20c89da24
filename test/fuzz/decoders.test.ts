import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runChild } from "../../scripts/child.ts";
import { root } from "../../scripts/testing/groups.ts";

/** Few enough for every run of the tests; `npm run fuzz -- --inputs 1000000` is the long one. */
const inputs = 2_000;

interface Outcome {
  readonly target: string;
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  readonly finding?: string;
}

test("[IN1] no decoder of outside input crashes, hangs or grows on thousands of hostile inputs", async (t) => {
  const args = [join(root, "scripts/fuzz.ts"), "--inputs", String(inputs), "--json"];
  const { code, output } = await runChild(process.execPath, args, { cwd: root, timeoutMs: 500_000 });
  const outcomes = JSON.parse(output.trim().split("\n").at(-1) ?? "") as readonly Outcome[];
  for (const { target, inputs: tried, accepted, finding } of outcomes) {
    await t.test(target, () => {
      assert.equal(finding, undefined);
      assert.equal(tried, inputs);
      // Mutants that are all refused at the first byte would try nothing.
      assert.ok(accepted > inputs / 200, `only ${accepted} inputs were taken`);
    });
  }
  assert.ok(outcomes.length >= 10);
  assert.equal(code, 0);
});
