import assert from "node:assert/strict";
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { plantCheckout } from "./planted-checkout.fixture.ts";

const LOCKFILE = JSON.stringify({
  packages: {
    "": { name: "planted" },
    "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
    "node_modules/b": { resolved: "io/b", link: true },
    "node_modules/other-platform": { version: "1.0.0", integrity: "sha512-o", optional: true },
  },
});
const INSTALLED = JSON.stringify({
  packages: {
    "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
    "node_modules/b": { resolved: "io/b", link: true },
  },
});
// Notes that it ran, installs, and says things on stdout, as npm does. A fifo, where there is one, holds it up.
const NPM = `#!/bin/sh
echo "$@" >> npm-runs
if [ -p hold ]; then read -r line < hold; fi
mkdir -p node_modules
cp installed.json node_modules/.package-lock.json
echo added 2 packages
`;
const CLI = `
const args = process.argv.slice(2);
if (args[1] === "handle") process.once("SIGTERM", () => process.exit(5));
if (args[0] === "wait") setInterval(() => {}, 1000);
else process.exitCode = 7;
console.log(JSON.stringify({ args, cwd: process.cwd() }));
`;
const PLANTED = {
  "package-lock.json": LOCKFILE,
  "installed.json": INSTALLED,
  "apps/cli/src/main.ts": CLI,
  "bin/npm": NPM,
};
const UP_TO_DATE = { ...PLANTED, "node_modules/.package-lock.json": INSTALLED };

interface Launched {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
}

/** @param nodeOptions options for the launcher's own Node */
function launch(folder: string, args: string[], nodeOptions: string[] = [], cwd = folder): Launched {
  const path = `${join(folder, "bin")}:${process.env.PATH}`;
  const child = spawn(process.execPath, [...nodeOptions, join(folder, "scripts/launch.mjs"), ...args], {
    cwd,
    env: { PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const written = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    written.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    written.stderr += chunk;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, ...written }));
  return { child, ended };
}

async function saw(stream: Readable, text: string): Promise<void> {
  let all = "";
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    all += chunk;
    if (all.includes(text)) return;
  }
  assert.fail(`the stream ended without "${text}":\n${all}`);
}

// Node before 22.15 cannot replace itself, and runs a child instead.
const WAYS: Readonly<Record<string, string[]>> = {
  "by replacing itself": [],
  "through a child": ["--import", "data:text/javascript,process.execve=undefined"],
};

for (const [way, nodeOptions] of Object.entries(WAYS)) {
  test(`the launcher passes on arguments, folder and exit code ${way}`, async () => {
    using checkout = await plantCheckout(UP_TO_DATE);
    const { ended } = launch(checkout.folder, ["job", "--set", "a b=c"], nodeOptions, "/");
    const { code, stdout, stderr } = await ended;
    assert.deepEqual(JSON.parse(stdout), { args: ["job", "--set", "a b=c"], cwd: "/" });
    assert.deepEqual([code, stderr], [7, ""]);
  });

  test(`the launcher passes on a signal that is handled ${way}`, async () => {
    using checkout = await plantCheckout(UP_TO_DATE);
    const { child, ended } = launch(checkout.folder, ["wait", "handle"], nodeOptions);
    await saw(child.stdout, "wait");
    child.kill("SIGTERM");
    assert.equal((await ended).code, 5);
  });

  test(`the launcher ends by the signal that ended what it ran ${way}`, async () => {
    using checkout = await plantCheckout(UP_TO_DATE);
    const { child, ended } = launch(checkout.folder, ["wait"], nodeOptions);
    await saw(child.stdout, "wait");
    child.kill("SIGTERM");
    assert.equal((await ended).signal, "SIGTERM");
  });
}

test("a fresh clone is installed first, with nothing of it on stdout", async () => {
  using checkout = await plantCheckout(PLANTED);
  const { code, stdout, stderr } = await launch(checkout.folder, ["x"]).ended;
  assert.equal(code, 7);
  assert.deepEqual(JSON.parse(stdout).args, ["x"]);
  assert.match(stderr, /installing.*added 2 packages/s);
  const runs = await readFile(join(checkout.folder, "npm-runs"), "utf8");
  assert.match(runs, /^ci .*--no-audit --no-fund --no-update-notifier --loglevel=error\n$/);
});

for (const [what, from, to] of [
  ["version", "1.0.0", "1.0.1"],
  ["content", "sha512-a", "sha512-z"],
  ["folder", "io/b", "io/c"],
] as const) {
  test(`node_modules is installed again when a package has another ${what}`, async () => {
    const stale = INSTALLED.replace(from, to);
    using checkout = await plantCheckout({ ...PLANTED, "node_modules/.package-lock.json": stale });
    assert.equal((await launch(checkout.folder, []).ended).code, 7);
    assert.equal(await readFile(join(checkout.folder, "node_modules/.package-lock.json"), "utf8"), INSTALLED);
  });
}

test("two launches at once install once", async () => {
  using checkout = await plantCheckout(PLANTED);
  execFileSync("mkfifo", [join(checkout.folder, "hold")]);
  const first = launch(checkout.folder, ["1"]);
  await saw(first.child.stderr, "installing");
  const second = launch(checkout.folder, ["2"]);
  await saw(second.child.stderr, "waiting");
  await writeFile(join(checkout.folder, "hold"), "go\n");
  assert.deepEqual([(await first.ended).code, (await second.ended).code], [7, 7]);
  assert.equal((await readFile(join(checkout.folder, "npm-runs"), "utf8")).split("\n").length, 2);
});

test("an installation that fails says so, and starts nothing", async () => {
  using checkout = await plantCheckout({
    ...PLANTED,
    "bin/npm": "#!/bin/sh\necho offline >&2\nexit 1\n",
  });
  const { code, stdout, stderr } = await launch(checkout.folder, []).ended;
  assert.deepEqual([code, stdout], [69, ""]);
  assert.match(stderr, /offline.*could not be installed in .*npm ci ended with code 1.*registry/s);
});

test("an installation that leaves node_modules as it was is refused, not repeated", async () => {
  using checkout = await plantCheckout({ ...PLANTED, "bin/npm": "#!/bin/sh\nexit 0\n" });
  const { code, stderr } = await launch(checkout.folder, []).ended;
  assert.equal(code, 69);
  assert.match(stderr, /still differs/);
});

test("--script runs a script of the repository instead of the command", async () => {
  const script = "console.log('script', process.argv.slice(2).join());";
  using checkout = await plantCheckout({ ...UP_TO_DATE, "scripts/hello.ts": script });
  const { stdout } = await launch(checkout.folder, ["--script", "scripts/hello.ts", "a", "b"]).ended;
  assert.equal(stdout, "script a,b\n");
});
