import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { SelvedgeError } from "@selvedge/protocol";
import { errorFromLog } from "./error-from-log.ts";

suite("what a process ended with", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  });
  after(() => rm(folder, { recursive: true }));
  const errorAfter = async (log: string): Promise<SelvedgeError> => {
    await writeFile(join(folder, "log"), log);
    return errorFromLog("device-01", "code 1", join(folder, "log"));
  };

  test("is its own error, with its name", async () => {
    const said = {
      code: "unavailable",
      message: "the port is in use",
      at: "127.0.0.1:80",
      fix: "take another",
    };
    const { code, message, at, fix } = await errorAfter(`{"level":30}\n${JSON.stringify({ error: said })}\n`);
    assert.deepEqual({ code, message, at, fix }, { ...said, message: "device-01: the port is in use" });
  });

  test("is its last lines when it gave no error, or one that is not ours", async () => {
    const crash = Array.from({ length: 30 }, (_, line) => `line ${line}`).join("\n");
    const { code, message } = await errorAfter(crash);
    assert.deepEqual([code, message.split("\n").length], ["unavailable", 21]);
    assert.match(message, /^device-01 ended with code 1:\nline 10\n[\s\S]*line 29$/);
    for (const log of ["", "null", '{"error":{"code":"odd"}}', '{"error":null}']) {
      assert.equal((await errorAfter(log)).code, "unavailable", log);
    }
  });
});
