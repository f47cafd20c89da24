import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { suite, test } from "node:test";
import { forSuite } from "../for-suite.fixture.ts";
import { startCoordinator } from "../running-coordinator.fixture.ts";
import { type Outcome, type Surroundings, selvedge } from "../terminal.fixture.ts";

suite("selvedge join", () => {
  const coordinator = forSuite(startCoordinator);
  const run = (line: string, surroundings?: Surroundings): Promise<Outcome> =>
    coordinator().run(line, surroundings);

  test("a device joins with a token, as often as it likes", async () => {
    const { folder, url } = coordinator();
    const { stdout: token } = await run("token create --state hub");
    const joined = await run(`join ${url} --token-file - --folder d1 --json`, { stdin: token });
    assert.equal(joined.code, 0, joined.stderr);
    const { deviceId, name } = JSON.parse(joined.stdout);
    assert.equal(name, "kitchen-pi");
    await writeFile(join(folder, "token.txt"), token);
    const again = await run(`join ${url} --token-file token.txt --folder d1`);
    assert.match(
      again.stdout,
      new RegExp(
        `^device +kitchen-pi \\(${deviceId}\\)\n[\\s\\S]*^next +selvedge agent run --folder d1\n`,
        "m",
      ),
    );
    const files = await readdir(join(folder, "d1"));
    assert.ok(files.includes("policy.yaml") && files.includes("agent.yaml"));
    assert.match((await run("device list --state hub")).stdout, /^kitchen-pi {2}offline/m);
    const spent = await run(`join ${url} --token-file token.txt --folder d2`);
    assert.equal(spent.code, 4, spent.stderr);
  });

  test("what to type next is quoted where a shell would read it otherwise", async () => {
    const { folder, url } = coordinator();
    const { stdout: token } = await run("token create --state hub");
    const stdin = token;
    const joined = await selvedge(["join", url, "--token-file", "-", "--folder", "my device"], {
      ...{ workingFolder: folder, stdin },
    });
    assert.match(joined.stdout, /^next +selvedge agent run --folder 'my device'\n/m, joined.stderr);
    const stop = new AbortController();
    const started = await selvedge(["up", "--state", "my hub", "--host", "127.0.0.1", "--port", "0"], {
      ...{ workingFolder: folder, interrupted: stop.signal, onStdout: () => stop.abort() },
    });
    assert.match(started.stdout, /^next +selvedge token create --state 'my hub'\n/m, started.stderr);
  });

  test("at a terminal the token ends with Enter, and Ctrl-C with 130, also in a pipe", async () => {
    const { url } = coordinator();
    const { stdout: token } = await run("token create --state hub");
    const typing = new PassThrough();
    typing.write(token);
    const joined = await run(`join ${url} --token-file - --folder d4`, { stdin: typing, isTTY: true });
    assert.deepEqual([joined.code, joined.stderr], [0, "paste the token, then press Enter:\n"]);
    for (const isTTY of [true, false]) {
      const stop = new AbortController();
      const waiting = run(`join ${url} --token-file - --folder d5`, {
        ...{ stdin: new PassThrough(), isTTY, interrupted: stop.signal },
      });
      setImmediate(() => stop.abort());
      assert.equal((await waiting).code, 130);
    }
  });

  test("a token that is none is refused before anybody is asked", async () => {
    const { url } = coordinator();
    const none = await run(`join ${url} --token-file - --folder d3`);
    assert.deepEqual(
      [none.code, /there is no token\n {2}at: {2}standard input/.test(none.stderr)],
      [2, true],
    );
    assert.equal((await run(`join ${url} --token-file none.txt --folder d3`)).code, 3);
    const endless = Readable.from(Array(10_000).fill("svj1."));
    for (const [file, stdin] of [
      ["-", endless],
      ["/dev/zero", ""],
    ] as const) {
      const long = await run(`join ${url} --token-file ${file} --folder d3`, { stdin });
      assert.deepEqual([long.code, /too long for a token/.test(long.stderr)], [2, true], long.stderr);
    }
    assert.ok(!endless.readableEnded, "not more is read than a token may have");
  });
});
