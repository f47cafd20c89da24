import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type Outcome, selvedge } from "../terminal.fixture.ts";

const job = `name: signs
model: { builder: mlp, input: [2], hidden: [], classes: 2 }
dataset:
  name: signs
  columns: [{ name: a }, { name: b }]
  label: { name: sign, values: [0, 1] }
learningRate: 0.5
rounds: 2
cohort: 2
`;
const slowAverage = join(import.meta.dirname, "../../../../examples/slow-average");
const rows = Array.from({ length: 40 }, (_, row) => `${row % 2},${1 - (row % 2)},${row % 2}\n`);

suite("selvedge simulate", () => {
  let folder = "";
  const run = (line: string): Promise<Outcome> => selvedge(line.split(" "), { workingFolder: folder });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
    await writeFile(join(folder, "job.yaml"), job);
    await writeFile(join(folder, "data.csv"), `a,b,sign\n${rows.join("")}`);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("leaves curves and a model, and goes on with what is there", async () => {
    const line =
      "simulate job.yaml --data csv:data.csv --evaluation csv:data.csv --clients 4 --processes 1 --out out --json";
    const first = await run(line);
    assert.equal(first.code, 0, first.stderr);
    const lines = first.stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text));
    assert.deepEqual(
      lines.map(({ type, round, status, contributed }) => [type, round, status, contributed]),
      [
        ["round", 1, "completed", 2],
        ["round", 2, "completed", 2],
        ["result", undefined, "completed", undefined],
      ],
    );
    assert.match(await readFile(join(folder, "out/rounds.csv"), "utf8"), /^round,.*,accuracy,.*\r\n1,train,/);
    assert.match(await readFile(join(folder, "out/curves.svg"), "utf8"), /^<svg /);
    assert.ok((await readFile(join(folder, "out/model.onnx"))).length > 100);
    const again = await run(line);
    assert.deepEqual(
      again.stdout
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text)),
      [lines[2]],
    );
  });

  test("makes models by a strategy that is installed in a coordinator's folder, and refuses one that is not", async () => {
    const installed = await run(`strategy install ${slowAverage} --state coordinator`);
    const digest = installed.stdout.trim();
    const line = (of: string): string =>
      `simulate own.yaml --data csv:data.csv --clients 4 --processes 1 --state ${of} --json`;
    const options = `server: { name: strategy, digest: "${digest}", options: { keep: 1 } }`;
    await writeFile(join(folder, "own.yaml"), `${job}${options}\n`);
    const { code, stdout, stderr } = await run(line("coordinator"));
    assert.equal(code, 0, stderr);
    const rounds = stdout.trim().split("\n").slice(0, -1);
    // All of the model is kept: no round moves it.
    assert.equal(new Set(rounds.map((text) => JSON.parse(text).weights)).size, 1);
    const refused = await run(line("nowhere"));
    assert.match(refused.stderr, /no strategy sha256:\w+ is installed.*--state/s);
    assert.deepEqual([refused.code, refused.stdout], [3, ""]);
  });

  test("says what is wrong with its options before anything runs", async () => {
    for (const [options, message] of [
      ["", /required option '--data <source>'/],
      ["--data data.csv", /Write one of: csv:FILE/],
      ["--data csv:data.csv --partition by-name", /Allowed choices are iid, shards, dirichlet, by-file/],
      ["--data csv:data.csv --stragglers 1.5", /a share from 0 to 1/],
      ["--data csv:data.csv --attack noise", /sign-flip:0.2/],
    ] as const) {
      const { code, stderr } = await run(`simulate job.yaml ${options}`.trim());
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
  });
});
