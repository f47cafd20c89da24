import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type ChildResult, runChild } from "./child.ts";
import { plantCheckout } from "./planted-checkout.fixture.ts";

const PASSES = 'import { test } from "node:test";\ntest("passes", () => {});\n';

/** Runs `scripts/test.ts` over planted test files. The tools stay out: --only and paths leave them out. */
async function runPlanted(
  files: Record<string, string>,
  args: string[],
  env: Record<string, string | undefined> = {},
): Promise<ChildResult & { lastLine: string | undefined }> {
  using checkout = await plantCheckout(files);
  const script = join(checkout.folder, "scripts/test.ts");
  const result = await runChild(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", script, ...args],
    {
      cwd: checkout.folder,
      timeoutMs: 120_000,
      env: { CI: undefined, INIT_CWD: undefined, ...env },
    },
  );
  return { ...result, lastLine: result.output.trimEnd().split("\n").at(-1) };
}

for (const path of ["core/x/src/a.test.ts", "test/e2e/a.test.ts"]) {
  const only = path.startsWith("core") ? "unit" : "e2e";

  test(`tests that pass are counted, in ${path}`, async () => {
    const { code, lastLine } = await runPlanted({ [path]: PASSES }, ["--only", only]);
    assert.equal(lastLine, "1 passed, 0 failed, 0 skipped");
    assert.equal(code, 0);
  });

  test(`failures and skips are counted and told, in ${path}`, async () => {
    const text = `${PASSES}
      import { after, describe, it } from "node:test";
      test("fails", () => { throw new Error("the reason"); });
      test("waits", { skip: "broker absent" });
      test("is not there", { todo: true }, () => { throw new Error(); });
      describe("suite", () => { it("passes too", () => {}); after(() => { throw new Error("in the hook"); }); });
      describe("apart", { skip: "no disk" }, () => { it("one", () => {}); it("two", () => {}); });
      test("outer", async (t) => { await t.test("inner", () => { throw new Error("deep"); }); });
    `;
    const { code, lastLine, output } = await runPlanted({ [path]: text }, ["--only", only]);
    assert.equal(lastLine, "2 passed, 4 failed, 3 skipped");
    assert.equal(code, 1);
    for (const told of [
      "✖ fails",
      "the reason",
      "waits",
      "broker absent",
      "apart",
      "no disk",
      "in the hook",
      "outer > inner",
      "deep",
    ]) {
      assert.ok(output.includes(told), told);
    }
  });

  test(`a process that dies is a failure, and says how, in ${path}`, async () => {
    const text = `${PASSES}\ntest("dies", () => { process.exit(3); });\n`;
    const { code, lastLine, output } = await runPlanted({ [path]: text }, ["--only", only]);
    assert.match(lastLine ?? "", /^\d passed, 1 failed, 0 skipped$/);
    assert.match(output, /code 3|exitCode: 3/);
    assert.equal(code, 1);
  });

  test(`a process that dies with code 0 is a failure too, in ${path}`, async () => {
    const text = `${PASSES}\ntest("dies", () => { process.exit(0); });\n`;
    const { code, lastLine } = await runPlanted({ [path]: text }, ["--only", only]);
    assert.match(lastLine ?? "", /^\d passed, [1-9] failed, 0 skipped$/);
    assert.equal(code, 1);
  });

  test(`a file without a test is a failure, in ${path}`, async () => {
    const { code, lastLine, output } = await runPlanted({ [path]: "export {};\n" }, ["--only", only]);
    assert.equal(lastLine, "0 passed, 1 failed, 0 skipped");
    assert.match(output, /defines no test/);
    assert.equal(code, 1);
  });
}

test("a run without tests is a failure", async () => {
  const { code, lastLine } = await runPlanted({}, ["--only", "unit"]);
  assert.equal(lastLine, "0 passed, 1 failed, 0 skipped");
  assert.equal(code, 1);
});

test("a skip passes by hand and fails in CI", async () => {
  const skips = { "core/x/src/a.test.ts": `${PASSES}test("waits", { skip: "broker absent" });\n` };
  const byHand = await runPlanted(skips, ["--only", "unit"]);
  assert.deepEqual([byHand.code, byHand.lastLine], [0, "1 passed, 0 failed, 1 skipped"]);
  const inCi = await runPlanted(skips, ["--only", "unit"], { CI: "true" });
  assert.deepEqual([inCi.code, inCi.lastLine], [1, "1 passed, 1 failed, 1 skipped"]);
});

test("paths choose files and folders of any group, counted together", async () => {
  const files = {
    "core/x/src/a.test.ts": PASSES,
    "core/y/src/a.test.ts": PASSES,
    "test/e2e/a.test.ts": PASSES,
  };
  const chosen = await runPlanted(files, ["core/x", "test/e2e/a.test.ts"]);
  assert.equal(chosen.lastLine, "2 passed, 0 failed, 0 skipped");
});

test("an unknown option or group is refused", async () => {
  assert.equal((await runPlanted({}, ["--only", "everything"])).code, 64);
  assert.equal((await runPlanted({}, ["--fast"])).code, 64);
});
