import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import type { SelvedgeError } from "@selvedge/protocol";
import { sqliteError } from "./sqlite-error.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const storeModule = new URL("./sqlite-store.ts", import.meta.url).href;

test("a file that is not a database is refused and left untouched", async (t) => {
  const path = join(temporaryFolder(t), "state.db");
  const content = "a letter, not a database. ".repeat(100);
  writeFileSync(path, content);
  await refused(openSqliteStore({ path }), { code: "corrupt", at: path, fix: /move it away/ });
  assert.equal(readFileSync(path, "utf8"), content);
});

test("[ST3] another program's database is refused and left untouched", async (t) => {
  const path = join(temporaryFolder(t), "state.db");
  const other = new DatabaseSync(path);
  other.exec("CREATE TABLE recipes (name TEXT)");
  other.close();
  const content = readFileSync(path);
  await refused(openSqliteStore({ path }), { code: "failed_precondition", at: path, fix: /another path/ });
  assert.deepEqual(readFileSync(path), content);
});

test("[ST3] a database of a newer schema is refused", async (t) => {
  const path = join(temporaryFolder(t), "state.db");
  await (await openSqliteStore({ path })).close();
  const newer = new DatabaseSync(path);
  newer.exec("PRAGMA user_version = 99");
  newer.close();
  await refused(openSqliteStore({ path }), { code: "unsupported", at: path, fix: /newer/ });
});

test("[ST9] a damaged database is found when it is opened, named, and left as it is", async (t) => {
  const path = join(temporaryFolder(t), "state.db");
  const store = await openSqliteStore({ path });
  const writes = Array.from({ length: 2000 }, (_, index) => ({ key: `k${index}`, value: "x".repeat(100) }));
  await store.commit({ writes });
  await store.close();
  const sound = readFileSync(path);
  const damages: ((bytes: Buffer) => Buffer)[] = [
    // A page in the middle, as a bad sector or a careless copy leaves it.
    (bytes) => bytes.fill(0, 40_960, 45_056),
    (bytes) => bytes.fill(0xff, 8_192, 8_292),
    (bytes) => bytes.subarray(0, bytes.length / 2),
    (bytes) => bytes.fill(0x41, 0, 100),
  ];
  for (const damage of damages) {
    const damaged = Buffer.from(damage(Buffer.from(sound)));
    writeFileSync(path, damaged);
    await refused(openSqliteStore({ path }), { code: "corrupt", at: path, fix: /move it away/ });
    assert.deepEqual(readFileSync(path), damaged);
  }
  writeFileSync(path, sound);
  await (await openSqliteStore({ path })).close();
});

test("a missing folder and a folder in place of the file are named", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "absent", "state.db");
  await refused(openSqliteStore({ path }), { code: "not_found", at: path, fix: /its folder must exist/ });
  await refused(openSqliteStore({ path: folder }), { code: "permission_denied", at: folder, fix: /a file/ });
});

test("a full database refuses the commit, changes nothing and goes on", async (t) => {
  const path = join(temporaryFolder(t), "state.db");
  const store = await openSqliteStore({ path, bytesMax: 65_536 });
  t.after(() => store.close());
  await store.commit({ writes: [{ key: "small", value: 1 }] });
  const writes = [
    { key: "small", value: 2 },
    { key: "big", value: "x".repeat(100_000) },
  ];
  await refused(store.commit({ writes }), { code: "resource_exhausted", at: path, fix: /free space/ });
  assert.deepEqual(await store.list(""), [{ key: "small", version: 1, value: 1 }]);
  await store.commit({ writes: [{ key: "small", expectedVersion: 1, value: 3 }] });
});

test("only its owner can read a new database", async (t) => {
  const path = join(temporaryFolder(t), "state.db");
  const store = await openSqliteStore({ path });
  t.after(() => store.close());
  await store.commit({ writes: [{ key: "a", value: 1 }] });
  for (const file of [path, `${path}-wal`]) assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("[ST2] a second opening is refused, in this process and in another, until the first is closed", async (t) => {
  const path = join(temporaryFolder(t), "state.db");
  const child = spawn(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `const { openSqliteStore } = await import(${JSON.stringify(storeModule)});
       const store = await openSqliteStore({ path: ${JSON.stringify(path)} });
       console.log("open");
       process.stdin.resume();`,
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  await once(child.stdout, "data");
  const locked = { code: "unavailable", at: path, fix: /stop the other process/ } as const;
  await refused(openSqliteStore({ path, lockTimeoutMs: 0 }), locked);
  await refused(openSqliteStore({ path, lockTimeoutMs: 0 }), locked);
  child.kill("SIGKILL");
  await once(child, "exit");
  const store = await openSqliteStore({ path });
  await refused(openSqliteStore({ path, lockTimeoutMs: 0 }), locked);
  await store.close();
  await (await openSqliteStore({ path })).close();
});

test("works under the permission model with its own folder, and names the sandbox elsewhere", (t) => {
  const granted = temporaryFolder(t);
  const denied = temporaryFolder(t);
  const program = `
    import { SelvedgeError } from "@selvedge/protocol";
    const { openSqliteStore } = await import(${JSON.stringify(storeModule)});
    const store = await openSqliteStore({ path: ${JSON.stringify(join(granted, "state.db"))} });
    await store.commit({ writes: [{ key: "a", value: 1 }] });
    await store.close();
    const error = await openSqliteStore({ path: ${JSON.stringify(join(denied, "state.db"))} }).catch((thrown) => thrown);
    console.log(error.code, error.message);
  `;
  const checkout = new URL("../../../", import.meta.url).pathname;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      "--permission",
      `--allow-fs-read=${checkout}`,
      `--allow-fs-read=${granted}`,
      `--allow-fs-write=${granted}`,
      "--input-type=module",
      "--eval",
      program,
    ],
    { encoding: "utf8", cwd: new URL(".", import.meta.url).pathname },
  );
  assert.equal(stdout, "permission_denied the process's own sandbox does not allow it\n", stderr);
});

test("SQLite's result codes become ours, extended ones too", () => {
  const codes = [
    [8, "permission_denied"],
    [1032, "permission_denied"],
    [778, "unavailable"],
    [267, "corrupt"],
    [1, "internal"],
  ] as const;
  for (const [errcode, code] of codes) {
    assert.equal(sqliteError(Object.assign(new Error("x"), { errcode }), "p").code, code);
  }
  assert.equal(sqliteError("odd", "p").code, "internal");
});

function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "selvedge-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function refused(
  call: Promise<unknown>,
  expected: { code: string; at: string; fix: RegExp },
): Promise<void> {
  await assert.rejects(call, (error: SelvedgeError) => {
    assert.deepEqual([error.code, error.at], [expected.code, expected.at], error.message);
    assert.match(error.fix ?? "", expected.fix);
    return true;
  });
}
