import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { selvedge } from "../terminal.fixture.ts";

const entry = {
  time: "2026-11-24T11:00:00.000Z",
  kind: "update",
  job: "digits-1",
  round: 3,
  planDigest: "sha256:aa",
  signer: "ed25519:bb",
  digest: "sha256:cc",
  bytes: 796_840,
  examples: 500,
  metrics: {},
};

test("what left a device is listed for its owner, the newest last", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  t.after(() => rm(folder, { recursive: true }));
  const run = (line: string) => selvedge(line.split(" "), { env: { SELVEDGE_FOLDER: folder } });
  assert.deepEqual(await run("agent audit"), {
    code: 0,
    stdout: "",
    stderr: "nothing has left this device\n",
  });
  const lines = [1, 2, 3].map((round) => JSON.stringify({ ...entry, round }));
  await writeFile(join(folder, "audit.log"), `${lines.join("\n")}\n`);
  assert.equal(
    (await run("agent audit --limit 1")).stdout,
    "TIME                  WHAT    JOB       ROUND  SIZE      EXAMPLES  SIGNED BY\n" +
      "2026-11-24 11:00:00Z  update  digits-1  3      796.8 kB  500       ed25519:bb\n",
  );
  const { entries } = JSON.parse((await run("agent audit --json")).stdout);
  assert.deepEqual(
    entries.map(({ round }: typeof entry) => round),
    [1, 2, 3],
  );
  assert.equal((await run("agent audit --limit 0")).code, 2);
});

test("[SU8] a line that a crash cut short is told, and hides no record before or after it", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  t.after(() => rm(folder, { recursive: true }));
  const run = (line: string) => selvedge(line.split(" "), { env: { SELVEDGE_FOLDER: folder } });
  const [first, last] = [1, 2].map((round) => JSON.stringify({ ...entry, round }));
  await writeFile(join(folder, "audit.log"), `${first}\n{"time":"20\n${last}\n`);
  const { code, stdout, stderr } = await run("agent audit");
  assert.deepEqual([code, stdout.split("\n").length - 2], [0, 2]);
  assert.match(stderr, /audit\.log:2: this line is no record/);
  const told = JSON.parse((await run("agent audit --json")).stdout);
  assert.deepEqual([told.entries.length, told.damaged], [2, [join(folder, "audit.log:2")]]);
});
