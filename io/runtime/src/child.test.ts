import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SelvedgeError } from "@selvedge/protocol";
import type { FixtureMethods } from "./child.fixture.ts";
import { Child, inheritedOptions } from "./child.ts";

const fixture = new URL("./child.fixture.ts", import.meta.url);
const startTimeoutMs = 60_000;

function start(onExit?: (reason: SelvedgeError | undefined) => void): Promise<Child<FixtureMethods>> {
  return Child.start<FixtureMethods>(fixture, {
    startTimeoutMs,
    ...(onExit === undefined ? {} : { onExit }),
  });
}

/** Whether the process exists and is no zombie waiting to be reaped. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function failsWith(code: string, pattern: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof SelvedgeError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
}

test("a call carries typed arrays there and back, progress in order, and errors with all their parts", async () => {
  const child = await start();
  try {
    const argument = { weights: new Float32Array([1, 2, 3]), labels: new BigInt64Array([4n]), name: "x" };
    assert.deepEqual(await child.call("echo", argument), argument);

    const seen: number[] = [];
    assert.equal(await child.call("count", 3, { onProgress: (value) => seen.push(value) }), "done");
    assert.deepEqual(seen, [1, 2, 3]);

    await assert.rejects(child.call("fail", "selvedge"), (error) => {
      failsWith("corrupt", /^bad bytes$/)(error);
      assert.ok(error instanceof SelvedgeError);
      assert.deepEqual([error.at, error.fix], ["model.onnx", "send good ones"]);
      return true;
    });
    await assert.rejects(child.call("fail", "other"), failsWith("internal", /not one of ours/));
    await assert.rejects(
      child.call("echo", () => {}),
      failsWith("internal", /could not be cloned/),
    );
    assert.equal(await child.call("echo", "still there"), "still there");
  } finally {
    await child.stop();
  }
});

test("a child that dies rejects every outstanding call, naming the signal or its last words", async () => {
  const exit = Promise.withResolvers<SelvedgeError | undefined>();
  const child = await start(exit.resolve);
  const waiting = assert.rejects(child.call("never", undefined), failsWith("unavailable", /SIGKILL/));
  await assert.rejects(child.call("crash", "SIGKILL"), failsWith("unavailable", /signal SIGKILL/));
  await waiting;
  failsWith("unavailable", /SIGKILL/)(await exit.promise);
  await assert.rejects(child.call("echo", 1), failsWith("unavailable", /SIGKILL/));
  await child.stop();

  const other = await start();
  await assert.rejects(other.call("crash", 3), failsWith("unavailable", /exit code 3: last words/));
});

test("SIGILL is told as hardware the native runtime does not fit", async () => {
  const child = await start();
  await assert.rejects(child.call("crash", "SIGILL"), (error) => {
    failsWith("unavailable", /signal SIGILL/)(error);
    assert.match(String((error as SelvedgeError).fix), /processor/);
    return true;
  });
});

test("an abort or a timeout rejects its own call with its own code and kills the child", async () => {
  const aborted = await start();
  const controller = new AbortController();
  const bystander = assert.rejects(
    aborted.call("whenTold", undefined),
    failsWith("unavailable", /was killed/),
  );
  await assert.rejects(
    aborted.call("never", undefined, { signal: controller.signal, onProgress: () => controller.abort() }),
    failsWith("cancelled", /"never" was cancelled/),
  );
  await bystander;

  const slow = await start();
  await assert.rejects(
    slow.call("never", undefined, { timeoutMs: 1 }),
    failsWith("deadline_exceeded", /longer than 1 ms/),
  );
  await assert.rejects(slow.call("echo", 1), failsWith("unavailable", /was killed/));
});

test("[RE7] a child with more memory than it may have is killed, naming limit and figure", async () => {
  const exit = Promise.withResolvers<SelvedgeError | undefined>();
  const child = await start(exit.resolve);
  child.limitMemory(400_000_000);
  assert.equal(await child.call("echo", "small"), "small");
  await assert.rejects(
    child.call("fill", 500_000_000),
    failsWith("too_large", /had \d{3,} MB of memory; at most 400 MB are allowed/),
  );
  failsWith("too_large", /400 MB/)(await exit.promise);
  await assert.rejects(child.call("echo", 1), failsWith("too_large", /400 MB/));

  const free = await start();
  free.limitMemory(1);
  free.limitMemory(undefined);
  assert.equal(await free.call("echo", "alive"), "alive");
  await free.stop();
});

test("stop refuses new calls, lets outstanding ones finish, and is not a crash", async () => {
  const exit = Promise.withResolvers<SelvedgeError | undefined>();
  const child = await start(exit.resolve);
  const begun = Promise.withResolvers<void>();
  const answer = child.call("whenTold", undefined, { onProgress: () => begun.resolve() });
  await begun.promise;
  const told = child.call("tell", "at last");
  const stopped = child.stop();
  await assert.rejects(child.call("echo", 1), failsWith("unavailable", /was stopped/));
  await told;
  assert.equal(await answer, "at last");
  await stopped;
  assert.equal(await exit.promise, undefined);
});

test("a child ignores the signals a terminal sends to the whole group", async () => {
  const child = await start();
  assert.ok(child.pid !== undefined);
  process.kill(child.pid, "SIGINT");
  process.kill(child.pid, "SIGTERM");
  assert.equal(await child.call("echo", "alive"), "alive");
  await child.stop();
});

test("a child ends by itself when its parent is killed", async () => {
  const program = `
    const { Child } = await import(${JSON.stringify(new URL("./child.ts", import.meta.url).href)});
    const child = await Child.start(new URL(${JSON.stringify(fixture.href)}), { startTimeoutMs: 60000 });
    console.log(child.pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(line);
  assert.ok(isRunning(pid));
  parent.kill("SIGKILL");
  while (isRunning(pid)) await new Promise(setImmediate);
});

test("a child is killed when its parent exits, also one that does not notice", {
  timeout: 30_000,
}, async (t) => {
  const program = `
    const { Child } = await import(${JSON.stringify(new URL("./child.ts", import.meta.url).href)});
    const child = await Child.start(new URL(${JSON.stringify(fixture.href)}), { startTimeoutMs: 60000 });
    process.kill(child.pid, "SIGSTOP");
    console.log(child.pid);
    process.exit(0);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(line);
  t.after(() => isRunning(pid) && process.kill(pid, "SIGKILL"));
  while (isRunning(pid)) await sleep(10, undefined, { signal: t.signal });
});

test("a module that does not load fails the start with what it printed", async () => {
  const missing = new URL("./no-such-module.ts", import.meta.url);
  await assert.rejects(
    Child.start(missing, { startTimeoutMs }),
    failsWith("unavailable", /exit code 1: .*no-such-module/s),
  );
  await assert.rejects(
    Child.start(fixture, { startTimeoutMs: 1 }),
    failsWith("deadline_exceeded", /not ready after 1 ms/),
  );
});

test("a child inherits the permission model but neither what its parent runs nor the right to fork", async () => {
  assert.deepEqual(
    inheritedOptions([
      "--permission",
      "--allow-fs-read=/tmp",
      "--allow-addons",
      "--allow-child-process",
      "--disable-warning=SecurityWarning",
      "--test",
      "--test-isolation=none",
      "-e",
      "code()",
      "--inspect-brk=0",
      "--conditions=source",
    ]),
    [
      "--permission",
      "--allow-fs-read=/tmp",
      "--allow-addons",
      "--disable-warning=SecurityWarning",
      "--conditions=source",
    ],
  );
  const child = await start();
  assert.deepEqual(await child.call("options", undefined), inheritedOptions(process.execArgv));
  await child.stop();
});
