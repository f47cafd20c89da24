import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { postgresMissing, startPostgresServer } from "@selvedge/testkit";
import { mainPath } from "../spawned-process.fixture.ts";

test("[ST2] a second coordinator is refused, and one that lost its database ends and says so", {
  skip: postgresMissing,
}, async (t) => {
  await using server = await startPostgresServer();
  const folder = mkdtempSync(join(tmpdir(), "selvedge-e2e-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const storeUrl = await server.createDatabase();
  const first = up(join(folder, "first"), storeUrl);
  t.after(() => first.kill("SIGKILL"));
  await once(first.stdout ?? assert.fail(), "data");

  const second = up(join(folder, "second"), storeUrl);
  const refusal = text(second);
  assert.deepEqual(await once(second, "exit"), [5, null]);
  assert.match(await refusal, /another coordinator uses the database/);

  const ending = text(first);
  const exited = once(first, "exit");
  const database = new URL(storeUrl).pathname.slice(1);
  // What a coordinator on another machine does once this one's connection is gone.
  await server.administer(database, "UPDATE selvedge.writer SET owner = 'another'");
  await server.administer(
    database,
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'selvedge'",
  );
  assert.deepEqual(await exited, [1, null]);
  assert.match(await ending, /another coordinator has taken the database over/);
});

function up(folder: string, storeUrl: string): ChildProcess {
  return spawn(
    process.execPath,
    [
      mainPath(),
      "up",
      "--state",
      folder,
      "--host",
      "127.0.0.1",
      "--port",
      "0",
      "--json",
      "--stop-with-stdin",
    ],
    { env: { ...process.env, SELVEDGE_STORE: storeUrl } },
  );
}

async function text({ stderr }: ChildProcess): Promise<string> {
  let all = "";
  for await (const chunk of stderr ?? []) all += String(chunk);
  return all;
}
