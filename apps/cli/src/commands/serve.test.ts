import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildMlp, serializeModel } from "@selvedge/onnx";
import { selvedge } from "../terminal.fixture.ts";

suite("selvedge serve", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
    const model = serializeModel(buildMlp({ inputShape: [20], hidden: [], classes: 3, seed: 1 }));
    await writeFile(join(folder, "My Digits.onnx"), model);
    await writeFile(join(folder, "notes.onnx"), "not a model");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("the printed example works, and an interruption ends it with 0", async () => {
    const interruption = new AbortController();
    const { promise, resolve } = Promise.withResolvers<string>();
    const served = selvedge(["serve", "My Digits.onnx", "--port", "0", "--log-level", "silent"], {
      workingFolder: folder,
      interrupted: interruption.signal,
      onStdout: resolve,
    });
    const failed = served.then(({ stderr }) => assert.fail(stderr));
    const text = await Promise.race([promise, failed]);
    const example = /^try +(.+)$/m.exec(text)?.[1] ?? assert.fail(text);
    assert.match(example, /\/v2\/models\/my-digits\/infer /);
    const answer = JSON.parse(await shell(example));
    assert.deepEqual(answer.outputs[0].shape, [1, 3]);
    interruption.abort();
    failed.catch(() => {});
    assert.deepEqual(await served, { code: 0, stdout: text, stderr: "" });
  });

  test("what is no model, or not there, is refused", async () => {
    const broken = await selvedge(["serve", "notes.onnx", "--port", "0", "--log-level", "silent"], {
      workingFolder: folder,
    });
    assert.deepEqual([broken.code, broken.stdout], [2, ""]);
    assert.equal((await selvedge(["serve", "none.onnx"], { workingFolder: folder })).code, 3);
  });
});

function shell(line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("sh", ["-c", line], (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
  });
}
