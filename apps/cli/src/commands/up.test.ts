import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { postgresMissing, startPostgresServer } from "@selvedge/testkit";
import { forSuite } from "../for-suite.fixture.ts";
import { startCoordinator } from "../running-coordinator.fixture.ts";
import { type Outcome, type Surroundings, selvedge } from "../terminal.fixture.ts";

suite("selvedge up", () => {
  const coordinator = forSuite(startCoordinator);
  const run = (line: string, surroundings?: Surroundings): Promise<Outcome> =>
    coordinator().run(line, surroundings);

  test("operators find it by its folder", async () => {
    const { url } = coordinator();
    const { url: told, trustDomain, devices } = JSON.parse((await run("status --state hub --json")).stdout);
    assert.deepEqual([told, trustDomain, devices], [url, "selvedge.internal", 0]);
  });

  test("a second one on the same port is refused", async () => {
    const { url } = coordinator();
    const { code, stderr } = await run(
      `up --state other --host 127.0.0.1 --port ${new URL(url).port} --log-level silent`,
    );
    assert.deepEqual([code, /already in use/.test(stderr)], [5, true]);
  });

  test("a dataset that is not there is named before anything starts", async () => {
    const { code, stderr } = await run("up --state other --dataset t=idx:images,labels,10");
    assert.equal(code, 3);
    assert.match(stderr, /at: {2}--dataset t: .*\/images\n/);
  });
});

test("its records may be in PostgreSQL, of which nobody sees the password", {
  skip: postgresMissing,
}, async (t) => {
  await using server = await startPostgresServer();
  const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const url = await server.createDatabase();
  const up = async (line: string, env: Surroundings["env"] = {}): Promise<Outcome> => {
    const interruption = new AbortController();
    return selvedge(`up --state hub --host 127.0.0.1 --port 0 ${line}`.trimEnd().split(" "), {
      workingFolder: folder,
      interrupted: interruption.signal,
      env: env ?? {},
      onStdout: () => interruption.abort(),
    });
  };
  const byVariable = await up("", { SELVEDGE_STORE: url });
  const byOption = await up(`--store ${url}`);
  const elsewhere = await up("", { SELVEDGE_STORE: await server.createDatabase() });
  const unreadable = await up(`--store postgres://selvedge:${encodeURIComponent(server.password)}@localhost`);
  assert.deepEqual(
    [byVariable, byOption, elsewhere, unreadable].map(({ code }) => code),
    [0, 0, 3, 2],
  );
  assert.match(elsewhere.stderr, /are not those of this folder/);
  for (const { stdout, stderr } of [byVariable, byOption, elsewhere, unreadable]) {
    assert.ok(!`${stdout}${stderr}`.includes(encodeURIComponent(server.password)));
  }
});
