import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { forSuite } from "../for-suite.fixture.ts";
import { jobYaml } from "../job-file/job-yaml.fixture.ts";
import { startCoordinator } from "../running-coordinator.fixture.ts";
import type { Outcome, Surroundings } from "../terminal.fixture.ts";

suite("operators on other machines", () => {
  const coordinator = forSuite(startCoordinator);
  const run = (line: string, surroundings?: Surroundings): Promise<Outcome> =>
    coordinator().run(line, surroundings);
  /** As the user whose configuration lies in this folder. */
  const as = (user: string, stdin = "") => ({
    env: { XDG_CONFIG_HOME: join(coordinator().folder, user) },
    stdin,
  });

  async function createOperator(name: string, role: string): Promise<string> {
    const { code, stdout, stderr } = await run(`operator create ${name} --role ${role} --state hub`);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      new RegExp(`^for ${name} \\(${role}\\); expires in 90d, at .*login ${coordinator().url}`, "s"),
    );
    return stdout;
  }

  test("[OR2] a token, and nothing else, makes an operator on another machine", async () => {
    const { folder, url } = coordinator();
    const token = await createOperator("ada", "operator");
    const login = await run(`login ${url} --token-file -`, as("ada", token));
    assert.equal(login.code, 0, login.stderr);
    assert.match(login.stdout, /^operator {5}ada \(operator\)\n[\s\S]*\nplan key {5}ed25519:[0-9a-f]{64}\n/);
    const path = join(folder, "ada/selvedge/operator.json");
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const { operatorKey } = JSON.parse(await readFile(path, "utf8"));
    assert.equal((await stat(join(folder, "ada/selvedge", operatorKey))).mode & 0o777, 0o600);
    const { operator, path: shown } = JSON.parse((await run("whoami --json", as("ada"))).stdout);
    assert.deepEqual([operator.name, shown], ["ada", path]);
    assert.equal((await run("job list", as("ada"))).code, 0);
    const denied = await run("operator create eve --role admin", as("ada"));
    assert.deepEqual([denied.code, /admin/.test(denied.stderr)], [4, true]);
  });

  test("[OR7] who logs in again signs with the same key, and a plan they sign runs", async () => {
    const { folder, url } = coordinator();
    const token = await createOperator("bob", "operator");
    const keyId = async () => JSON.parse((await run("whoami --json", as("bob"))).stdout).operator.planKeyId;
    await run(`login ${url} --token-file -`, as("bob", token));
    const first = await keyId();
    assert.match((await run("logout", as("bob"))).stdout, /^logged out/);
    assert.equal((await run("logout", as("bob"))).stdout, "not logged in\n");
    const lost = await run("whoami", { ...as("bob"), workingFolder: "/nowhere" });
    assert.deepEqual([lost.code, /selvedge login URL/.test(lost.stderr)], [3, true]);
    await run(`login ${url} --token-file -`, as("bob", token));
    assert.equal(await keyId(), first);
    await writeFile(join(folder, "job.yaml"), jobYaml);
    const started = await run("job run job.yaml --id signed-by-bob --json", as("bob"));
    assert.equal(JSON.parse(started.stdout).job.signer, first, started.stderr);
    const revoked = await run("operator revoke bob --state hub");
    assert.deepEqual([revoked.code, revoked.stdout], [0, "operator bob revoked\n"]);
    assert.match(revoked.stderr, /still running under their signature: signed-by-bob;/);
    const late = await run("status", as("bob"));
    assert.deepEqual([late.code, /token of operator "bob" is revoked/.test(late.stderr)], [4, true]);
    assert.match((await run("operator list --state hub")).stdout, /^bob {4}operator {2}revoked \d+\w ago/m);
  });

  test("[OR2] a login that is not right writes nothing", async () => {
    const { folder, url } = coordinator();
    const token = await createOperator("cleo", "viewer");
    const { publicKey } = generateKeyPairSync("ed25519");
    const other = publicKey.export({ format: "jwk" }).x ?? "";
    const wrongPin = token.replace(/^svo1\.[\w-]{43}/, `svo1.${other}`);
    const wrong: readonly (readonly [token: string, code: number, message: RegExp])[] = [
      [wrongPin, 4, /root certificate is not the one the token pins/],
      [`${token.trim().slice(0, -43)}${other}`, 4, /is not known here/],
      [token.replace("svo1", "svj1"), 2, /not an operator token/],
      ["", 2, /there is no token/],
    ];
    for (const [text, code, message] of wrong) {
      const { code: exit, stderr } = await run(`login ${url} --token-file -`, as("cleo", text));
      assert.deepEqual([exit, message.test(stderr)], [code, true], stderr);
      assert.ok(text === "" || !stderr.includes(text.trim().split(".").at(-1) ?? ""), "no secret is shown");
    }
    await assert.rejects(stat(join(folder, "cleo/selvedge/operator.json")), { code: "ENOENT" });
    assert.equal((await run("login https://127.0.0.1:1 --token-file -", as("cleo", token))).code, 5);
    assert.equal((await run("login http://127.0.0.1 --token-file -", as("cleo", token))).code, 2);
  });

  test("a viewer has no keys, and is told what for they would be needed", async () => {
    const { folder, url } = coordinator();
    const token = await createOperator("dan", "viewer");
    await run(`login ${url} --token-file -`, as("dan", token));
    assert.ok(!(await run("whoami", as("dan"))).stdout.includes("plan key"));
    await writeFile(join(folder, "job.yaml"), jobYaml);
    const job = await run("job run job.yaml", as("dan"));
    assert.deepEqual([job.code, /role operator/.test(job.stderr)], [4, true]);
    const release = await run("release x", as("dan"));
    assert.deepEqual([release.code, /--release-key FILE/.test(release.stderr)], [3, true]);
  });

  test("[AU3] the audit log is listed, exported and verified, and what was cut off is noticed", async () => {
    const { folder } = coordinator();
    const list = await run("audit list --state hub --actor operator:admin --limit 1 --json");
    const [record] = JSON.parse(list.stdout).records;
    assert.deepEqual([record.actor, record.action], ["operator:admin", "create-operator"]);
    assert.equal(
      JSON.parse((await run("audit list --state hub --since 2999-01-01 --json")).stdout).records.length,
      0,
    );
    const last = JSON.parse((await run("audit list --state hub --limit 2 --json")).stdout).records;
    assert.deepEqual([last.length, last[1].sequence - last[0].sequence], [2, 1]);
    assert.match((await run("audit list --state hub")).stdout, /^ *# {2}TIME .*DETAIL\n/);
    assert.equal((await run("audit list --state hub --since yesterday")).code, 2);
    const exported = JSON.parse((await run("audit export --state hub -o audit.jsonl --json")).stdout);
    const head = `${exported.head.sequence}:${exported.head.hash}`;
    const path = join(folder, "audit.jsonl");
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await run("audit export --state hub -o audit.jsonl")).code, 3);
    for (const line of ["audit verify --file audit.jsonl", "audit verify --state hub"]) {
      const verified = await run(`${line} --head ${head}`);
      assert.match(
        verified.stdout,
        /^audit log {2}whole: \d+ records\nhead +\d+:[0-9a-f]{64}\n/,
        verified.stderr,
      );
    }
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, lines.slice(0, -2).join("\n"));
    assert.equal((await run("audit verify --file audit.jsonl")).code, 0);
    const cut = await run(`audit verify --file audit.jsonl --head ${head}`);
    assert.deepEqual([cut.code, /cut short/.test(cut.stderr)], [2, true]);
    await writeFile(path, lines.join("\n").replace('"admin"', '"nobody"'));
    assert.equal((await run("audit verify --file audit.jsonl")).code, 2);
    assert.equal((await run("audit verify --file audit.jsonl --head 1:x")).code, 2);
    assert.equal((await run("audit verify --file none.jsonl")).code, 3);
  });
});
