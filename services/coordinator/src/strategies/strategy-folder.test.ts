import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { StrategyFolder } from "./strategy-folder.ts";
import { runStrategy } from "./strategy-process.ts";

const init = "init: () => ({ step: 0, vectors: {} })";
const sound = `export default { ${init}, update: (state, base, mean, round) => ({
  parameters: base.map((value, index) => value + (round.options.gain ?? 1) * mean[index]),
  state: { step: state.step + 1, vectors: { last: mean } } }) };`;

suite("strategies of the operator's own", () => {
  let folder: string;
  let strategies: StrategyFolder;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "selvedge-strategies-"));
    strategies = new StrategyFolder(folder);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function packageOf(source: string, manifest: object = {}): Promise<string> {
    const path = await mkdtemp(join(folder, "package-"));
    const described = { name: "mine", version: "1.0.0", main: "./mine.ts", type: "module", ...manifest };
    await writeFile(join(path, "package.json"), JSON.stringify(described));
    await writeFile(join(path, "mine.ts"), source);
    return path;
  }

  test("one that is installed makes a model of a mean, and is there once", async () => {
    const installed = await strategies.install(await packageOf(sound));
    assert.deepEqual(await strategies.install(await packageOf(sound, { version: "1.0.1" })), installed);
    assert.deepEqual(await strategies.list(), [installed]);
    const { parameters, state } = await runStrategy(await strategies.pathOf(installed.digest), {
      state: null,
      base: Float32Array.of(1, 2),
      meanUpdate: Float64Array.of(0.5, -1),
      round: { options: { gain: 2 }, learningRate: 1, contributors: 2 },
    });
    assert.deepEqual(parameters, Float32Array.of(2, 0));
    assert.deepEqual(state, { step: 1, vectors: { last: Float64Array.of(0.5, -1) } });
  });

  const refused: readonly [string, string, RegExp][] = [
    ["imports", `import { readFileSync } from "node:fs"; ${sound} readFileSync;`, /imports "node:fs"/],
    ["reads the time", sound.replace("step: 0", "step: Date.now()"), /uses Date\.now/],
    ["draws", sound.replace("value +", "Math.random() + value +"), /uses Math\.random/],
    ["asks for the date", sound.replace("step: 0", "step: new Date().getTime()"), /uses Date/],
    ["has no update", "export default {};", /no init and update/],
    ["gives another length", sound.replace("base.map", "base.subarray(1).map"), /no Float32Array of 16/],
    ["cannot be read as code", "export default { init: (", /SyntaxError/],
    ["throws", sound.replace("step: 0", "step: nowhere"), /ReferenceError: nowhere is not defined/],
    ["gives no number", sound.replace("value +", "0 / 0 +"), /parameter 0 is NaN/],
  ];
  for (const [what, source, message] of refused) {
    test(`one that ${what} is not installed, and leaves nothing`, async () => {
      const before = await readdir(join(folder, "strategies")).catch(() => []);
      const path = await packageOf(source);
      await assert.rejects(strategies.install(path), (thrown) => {
        const { culprit, at, message: said } = SelvedgeError.from(thrown);
        assert.match(said, message);
        assert.notEqual(culprit, "us");
        assert.ok(at?.startsWith(join(path, "mine.ts")), at);
        return true;
      });
      assert.deepEqual(await readdir(join(folder, "strategies")).catch(() => []), before);
    });
  }

  test("one that was changed after it was installed, or is not installed, is not run", async () => {
    const installed = await strategies.install(await packageOf(`${sound}\n// to be changed`));
    await appendFile(await strategies.pathOf(installed.digest), "\n");
    await assert.rejects(strategies.pathOf(installed.digest), hasCode("corrupt"));
    await assert.rejects(strategies.pathOf(`sha256:${"0".repeat(64)}`), hasCode("not_found"));
  });

  test("a folder without a package, and one whose module lies elsewhere, are named", async () => {
    await mkdir(join(folder, "empty"));
    await assert.rejects(strategies.install(join(folder, "empty")), /no package here/);
    await assert.rejects(strategies.install(await packageOf(sound, { main: "../mine.ts" })), /main file/);
  });
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SelvedgeError && error.code === code;
}
