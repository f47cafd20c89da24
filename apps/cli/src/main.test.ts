import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { buildMlp, serializeModel } from "@selvedge/onnx";

suite("the process", () => {
  test("ends with the command's exit code", async () => {
    const child = start("job");
    assert.deepEqual(
      await Promise.all([text(child.stderr), once(child, "close")]).then(([, [code]]) => code),
      2,
    );
  });

  test("is quiet when its reader has read enough", async () => {
    const child = start("--help");
    child.stdout.destroy();
    const [stderr, [code, signal]] = await Promise.all([text(child.stderr), once(child, "close")]);
    assert.deepEqual({ stderr, code, signal }, { stderr: "", code: 0, signal: null });
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`of a service ends cleanly on ${signal}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
      try {
        const model = buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 });
        await writeFile(join(folder, "model.onnx"), serializeModel(model));
        const child = start("serve", join(folder, "model.onnx"), "--port", "0", "--grpc-port", "0", "--json");
        const closed = once(child, "close");
        await once(child.stdout, "data");
        child.kill(signal);
        assert.deepEqual(await closed, [0, null]);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
});

function start(...args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
  const main = join(import.meta.dirname, "main.ts");
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}
