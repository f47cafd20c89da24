import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { forSuite } from "./for-suite.fixture.ts";
import { jobYaml } from "./job-file/job-yaml.fixture.ts";
import { startFakeCoordinator } from "./operator/coordinator.fixture.ts";
import { type Outcome, type Surroundings, selvedge } from "./terminal.fixture.ts";

suite("the command and a coordinator", () => {
  const fake = forSuite(startFakeCoordinator);
  const run = (line: string, surroundings?: Surroundings): Promise<Outcome> => fake().run(line, surroundings);
  before(() => writeFile(join(fake().folder, "job.yaml"), jobYaml));

  test("status is shown in fields", async () => {
    const { stdout } = await run(`status --operator ${fake().folder}/operator.json`, { env: {} });
    assert.equal(
      stdout,
      [
        `coordinator      ${fake().url}`,
        "version          0.1.0",
        "trust domain     fleet.test",
        "started          2h ago",
        "devices          2, 1 online, 1 quarantined",
        "jobs running     1",
        "models released  0",
        "traffic          7.6 MB in, 812 B out",
        "",
      ].join("\n"),
    );
  });

  test("what to type next starts and ends as what was typed", async () => {
    const env = { SELVEDGE_STARTED_AS: "./selvedge" };
    const { stdout } = await run(`job run job.yaml --id typed --state ${fake().folder}`, { env });
    assert.match(stdout, new RegExp(`\\nnext: \\./selvedge job watch typed --state ${fake().folder}\\n$`));
    const { stderr } = await run("model show none", { env: { ...env, SELVEDGE_STATE: fake().folder } });
    assert.match(stderr, /\n {2}fix: see `\.\/selvedge model list`\n$/);
    const json = await run("model show none --json", { env: { ...env, SELVEDGE_STATE: fake().folder } });
    assert.equal(JSON.parse(json.stderr).error.fix, "see `./selvedge model list`");
  });

  test("refusals and failures have their exit codes", async () => {
    const codes = {
      permission_denied: 4,
      unauthenticated: 4,
      resource_exhausted: 5,
      unavailable: 5,
    } as const;
    for (const [code, exit] of Object.entries(codes)) {
      fake().failure = new SelvedgeError(code as keyof typeof codes, "no");
      assert.equal((await run("status")).code, exit, code);
    }
    const { stderr } = await run("status --json");
    assert.deepEqual(JSON.parse(stderr).error.code, "unavailable");
    fake().failure = undefined;
    const operator = JSON.parse(await readFile(join(fake().folder, "operator.json"), "utf8"));
    await writeFile(
      join(fake().folder, "stranger.json"),
      JSON.stringify({ ...operator, token: "svo1.other" }),
      { mode: 0o600 },
    );
    assert.equal((await run("status --operator stranger.json")).code, 4);
    await writeFile(
      join(fake().folder, "gone.json"),
      JSON.stringify({ ...operator, url: "https://127.0.0.1:1" }),
      { mode: 0o600 },
    );
    const gone = await run("status --operator gone.json");
    assert.deepEqual([gone.code, /ECONNREFUSED[\s\S]*fix: /.test(gone.stderr)], [5, true]);
  });

  test("an interruption ends with 130 and says nothing", async () => {
    const interrupted = AbortSignal.abort();
    assert.deepEqual(await run("status", { interrupted }), { code: 130, stdout: "", stderr: "" });
  });
});

suite("the command line", () => {
  test("with --json a wrong command line is told as any other error, in one document", async () => {
    const lines = [
      "jbo list --json",
      "--json job run",
      "status --jsno --json",
      "token create --uses x --json",
    ];
    for (const line of [...lines, "--json", "job --json"]) {
      const { code, stdout, stderr } = await selvedge(line.split(" "));
      assert.deepEqual([code, stdout], [2, ""], line);
      const { error } = JSON.parse(stderr);
      assert.equal(error.code, "invalid_argument", line);
      assert.match(error.message, /^(?!error)[\w'" -]+/, line);
    }
  });

  test("an interruption hides no failure but its own", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const interrupted = AbortSignal.abort();
    const { code, stderr } = await selvedge(["model", "check", "none.onnx"], {
      ...{ workingFolder: folder, interrupted },
    });
    assert.deepEqual([code, /none\.onnx/.test(stderr)], [3, true]);
  });

  test("a wrong command line exits with 2 and names what was meant", async () => {
    const lines = [
      "jbo list",
      "job lsit",
      "status --jsno",
      "token create --lifetime 5",
      "token create --uses x",
      "job run",
      "up --port 70000",
      "demo --alpha 0",
    ];
    for (const line of lines) {
      const { code, stdout, stderr } = await selvedge(line.split(" "));
      assert.deepEqual([code, stdout], [2, ""], line);
      assert.match(stderr, /^error: /, line);
    }
    assert.match((await selvedge(["jbo"])).stderr, /Did you mean job\?/);
    assert.match((await selvedge(["join", "https://a"])).stderr, /--token-file/);
    assert.match((await selvedge(["up", "--dataset", "x=tar:a"])).stderr, /NAME=idx:IMAGES\[,LABELS/);
  });

  test("every command has help with examples, and docs/reference/cli.md has a heading for each and no other", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/cli.md"), "utf8");
    const commands = await commandsUnder();
    const headings = [...page.matchAll(/^### selvedge (.+)$/gm)].map(([, command]) => command);
    assert.deepEqual(headings.sort(), [...commands].sort());
    for (const command of commands) {
      const { code, stdout, stderr } = await selvedge([...command.split(" "), "--help"]);
      assert.deepEqual([code, stderr], [0, ""], command);
      assert.match(stdout, new RegExp(`^Usage: selvedge ${command} `), command);
      assert.match(stdout, /\nExamples:\n {2}selvedge /, command);
      assert.match(stdout, /--json/, command);
    }
  });

  test("help shows the command as it was typed, and defaults as words", async () => {
    const help = async (command: string): Promise<string> =>
      (await selvedge([...command.split(" "), "--help"], { env: { SELVEDGE_STARTED_AS: "./selvedge" } }))
        .stdout;
    assert.match(
      await help("job show"),
      /^Usage: \.\/selvedge job show .*\n[\s\S]*\n {2}\.\/selvedge job show digits-1\n/,
    );
    for (const command of await commandsUnder())
      assert.doesNotMatch(await help(command), /\(default: (\[|\d{5})/, command);
  });

  test("the version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
    assert.equal((await selvedge(["--version"])).stdout, `${version}\n`);
    assert.match((await selvedge(["version"])).stdout, new RegExp(`^selvedge ${version} \\(Node \\d`));
    assert.equal(JSON.parse((await selvedge(["version", "--json"])).stdout).version, version);
  });

  test("without a coordinator on this machine the fix says what to do", async () => {
    const { code, stderr } = await selvedge(["status", "--state", "/nowhere"]);
    assert.equal(code, 3);
    assert.match(stderr, /at: {2}\/nowhere\/operator.json\n {2}fix: run this where `selvedge up` runs/);
  });
});

/** The full name of every command, as help lists them: what it hides is left out. */
async function commandsUnder(path: readonly string[] = []): Promise<readonly string[]> {
  const { stdout } = await selvedge([...path, "--help"]);
  const [, list = ""] = /\nCommands:\n((?: .*\n)+)/.exec(stdout) ?? [];
  const names = [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = ""]) => name);
  const below = names.filter((name) => name !== "help").map((name) => commandsUnder([...path, name]));
  return names.length === 0 ? [path.join(" ")] : (await Promise.all(below)).flat();
}
