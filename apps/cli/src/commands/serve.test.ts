import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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
    const served = selvedge(
      ["serve", "My Digits.onnx", "--port", "0", "--no-grpc", "--log-level", "silent"],
      {
        workingFolder: folder,
        interrupted: interruption.signal,
        onStdout: resolve,
      },
    );
    // Should it end before it serves, what it said is shown by the assertion below.
    const text = await Promise.race([promise, served.then(({ stderr }) => stderr)]);
    const [, url = "", data = ""] = /^try +curl -s (\S+) -d (.+)$/m.exec(text) ?? assert.fail(text);
    assert.match(url, /\/v2\/models\/my-digits\/infer$/);
    const body = execFileSync("sh", ["-c", `printf %s ${data}`]);
    const answer = JSON.parse(await (await fetch(url, { method: "POST", body })).text());
    assert.deepEqual(answer.outputs[0].shape, [1, 3]);
    interruption.abort();
    assert.deepEqual(await served, { code: 0, stdout: text, stderr: "" });
  });

  test("the printed example shows the token that it needs, read from its file", async () => {
    const interruption = new AbortController();
    const token = "a-token-of-at-least-32-characters-0123";
    await writeFile(join(folder, "to'ken"), token, { mode: 0o600 });
    const { promise, resolve } = Promise.withResolvers<string>();
    const served = selvedge(
      [
        "serve",
        "My Digits.onnx",
        "--port",
        "0",
        "--no-grpc",
        "--log-level",
        "silent",
        "--token-file",
        "to'ken",
      ],
      { workingFolder: folder, interrupted: interruption.signal, onStdout: resolve },
    );
    const text = await Promise.race([promise, served.then(({ stderr }) => stderr)]);
    const [, header = "", url = "", data = ""] =
      /^try +curl -s -H (".+") (\S+) -d (.+)$/m.exec(text) ?? assert.fail(text);
    const [authorization, body] = [header, data].map((word) =>
      execFileSync("sh", ["-c", `printf %s ${word}`], { cwd: folder, encoding: "utf8" }),
    );
    assert.equal(authorization, `Authorization: Bearer ${token}`);
    assert.equal((await fetch(url, { method: "POST", body: body ?? "" })).status, 401);
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await fetch(url, { method: "POST", body: body ?? "", headers })).status, 200);
    interruption.abort();
    await served;
  });

  test("what is no model, or not there, is refused", async () => {
    const broken = await selvedge(
      ["serve", "notes.onnx", "--port", "0", "--no-grpc", "--log-level", "silent"],
      {
        workingFolder: folder,
      },
    );
    assert.deepEqual([broken.code, broken.stdout], [2, ""]);
    assert.equal(
      (await selvedge(["serve", "none.onnx", "--port", "0", "--no-grpc"], { workingFolder: folder })).code,
      3,
    );
  });
});
