import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { digestOf, type Job, JobSchema, SelvedgeError } from "@selvedge/protocol";
import { type FakeCoordinator, startFakeCoordinator } from "./operator/coordinator.fixture.ts";
import { type Outcome, type Surroundings, selvedge } from "./terminal.fixture.ts";

suite("the command and a coordinator", () => {
  let fake: FakeCoordinator;
  before(async () => {
    fake = await startFakeCoordinator();
    await writeFile(join(fake.folder, "job.yaml"), jobYaml);
  });
  after(() => fake[Symbol.asyncDispose]());

  const run = (line: string, surroundings: Surroundings = {}): Promise<Outcome> =>
    selvedge(line.split(" "), {
      workingFolder: fake.folder,
      env: { SELVEDGE_STATE: fake.folder },
      ...surroundings,
    });

  test("a token stands alone on stdout", async () => {
    assert.deepEqual(await run("token create --lifetime 10m --uses 5"), {
      code: 0,
      stdout: "svj1.for-5\n",
      stderr:
        "for 5 devices; expires in 10m, at 2026-11-24 12:10:00Z; it cannot be shown again\n" +
        `next, on the device: selvedge join ${fake.url} --token-file -\n`,
    });
    const { stdout, stderr } = await run("token create --json");
    assert.deepEqual(
      [JSON.parse(stdout), stderr],
      [
        {
          token: "svj1.for-1",
          id: "5b2f0c9e4d1a7788",
          expiresAtMs: 1_795_525_200_000,
          uses: 1,
          group: "",
          tags: [],
          approve: false,
        },
        "",
      ],
    );
    const granting = await run("token create --group north --tag a --tag b --approve");
    assert.equal(granting.stdout, "svj1.for-1-north-a-b-approve\n");
    assert.match(granting.stderr, /waits for: selvedge device approve/);
    assert.deepEqual(await run("token create --lifetime 31d"), {
      code: 2,
      stdout: "",
      stderr: "error: 2678400 seconds; 1 to 2592000 are allowed\n  at:  --lifetime\n",
    });
  });

  test("devices are listed, whatever they call themselves", async () => {
    const { stdout } = await run("device list");
    assert.equal(
      stdout,
      [
        "NAME      STATE        SEEN    CERTIFICATE  GROUP  DATA    MODELS              ID",
        "kitchen   online       now     in 30d       north  digits  digits@1            7d9e0a52-0000-4000-8000-000000000001",
        "shed?[2J  quarantined  3m ago  expired      -      -       digits@1 (refused)  7d9e0a52-0000-4000-8000-000000000002",
        "",
      ].join("\n"),
    );
    const { devices } = JSON.parse((await run("--json device list")).stdout);
    assert.deepEqual([devices[0].models[0].version, devices[1].lastSeenAtMs], [1, 1_795_521_420_000]);
  });

  test("devices are listed by group and tags", async () => {
    const names = async (filter: string): Promise<string[]> =>
      JSON.parse((await run(`device list --json ${filter}`)).stdout).devices.map(
        ({ name }: { name: string }) => name,
      );
    assert.deepEqual(await names("--group north --tag camera"), ["kitchen"]);
    assert.deepEqual(await names("--group south"), []);
    assert.deepEqual(await names("--tag camera --tag indoor"), []);
  });

  test("a device is shown, with why it is in its state", async () => {
    const { stdout } = await run("device show 7d9e0a52-0000-4000-8000-000000000002");
    assert.match(stdout, /^device {7}shed\?\[2J$/m);
    assert.match(stdout, /^state {8}quarantined since 2026-11-24 11:59:00Z: its identity is in use twice$/m);
    assert.match(stdout, /^security {5}found in use twice, 2 times; last 2026-11-24 11:59:00Z$/m);
    const kitchen = await run("device show kitchen");
    assert.match(kitchen.stdout, /^state {8}online$/m);
    assert.match(kitchen.stdout, /^enrolled {5}.*, with token 5b2f0c9e4d1a7788$/m);
    assert.equal(JSON.parse((await run("device show kitchen --json")).stdout).device.group, "north");
    assert.deepEqual((await run("device show attic")).code, 3);
    assert.match((await run("device show 7d9e")).stderr, /2 devices fit/);
  });

  test("devices are approved, revoked, renamed and grouped", async () => {
    const kitchen = "7d9e0a52-0000-4000-8000-000000000001";
    const said = async (line: string): Promise<string> => (await run(line)).stdout;
    assert.equal(await said("device approve kitchen"), `device kitchen (${kitchen}) is active\n`);
    assert.match(await said("device revoke kitchen --reason stolen"), /is revoked: it is cut off/);
    const revoked = JSON.parse(await said("device revoke kitchen --reason stolen --json"));
    assert.equal(revoked.device.standingReason, "stolen");
    assert.equal(await said("device rename kitchen hall"), `device ${kitchen} is called hall\n`);
    assert.equal(
      await said("device group kitchen south --tag a --tag b"),
      "device kitchen is in group south; tags: a, b\n",
    );
    assert.equal(
      await said("device group kitchen south"),
      "device kitchen is in group south; tags: camera\n",
    );
    assert.equal(
      await said("device group kitchen - --clear-tags"),
      "device kitchen is in no group; tags: -\n",
    );
    assert.equal((await run("device group kitchen south --clear-tags --tag a")).code, 2);
  });

  test("join tokens are listed without their secrets, and revoked", async () => {
    assert.equal(
      (await run("token list")).stdout,
      [
        "ID                STATE                USED    EXPIRES  CREATED  GROUP  TAGS    REFUSED",
        "5b2f0c9e4d1a7788  open, with approval  2 of 5  in 1h    1m ago   north  camera  3",
        "5b2f0c9e4d1a7788  revoked              2 of 5  in 1h    1m ago   north  camera  3",
        "",
      ].join("\n"),
    );
    assert.equal(JSON.parse((await run("token list --json")).stdout).tokens.length, 2);
    assert.match(
      (await run("token revoke 5b2f0c9e4d1a7788")).stdout,
      /is revoked; the 2 devices it let in stay/,
    );
  });

  test("status is shown in fields", async () => {
    const { stdout } = await run(`status --operator ${fake.folder}/operator.json`, { env: {} });
    assert.equal(
      stdout,
      [
        `coordinator      ${fake.url}`,
        "version          0.1.0",
        "trust domain     fleet.test",
        "started          2h ago",
        "devices          2, 1 online, 1 quarantined",
        "jobs running     1",
        "models released  0",
        "traffic          7.6 MB in, 812 B out",
        "",
      ].join("\n"),
    );
  });

  test("a job's model is uploaded and its plan signed and started", async () => {
    const { code, stdout } = await run("job run job.yaml --id run-1 --set rounds=3");
    assert.deepEqual([code, stdout], [0, "job run-1 started: 3 rounds\nnext: selvedge job watch run-1\n"]);
    const { plan, model } = fake.plans.get("run-1") ?? assert.fail("no plan arrived");
    assert.deepEqual([plan.schedule?.rounds, plan.dataset?.classes], [3, 2]);
    assert.deepEqual(await fake.blobs.stat(model.digest), model);
    assert.match(
      (await run("job run job.yaml --id one --set rounds=1")).stdout,
      /^job one started: 1 round\n/,
    );
    const named = JSON.parse((await run("job run job.yaml --json")).stdout).job.id;
    assert.match(named, /^digits-[0-9a-f]{6}$/);
  });

  test("what to type next starts and ends as what was typed", async () => {
    const env = { SELVEDGE_STARTED_AS: "./selvedge" };
    const { stdout } = await run(`job run job.yaml --id typed --state ${fake.folder}`, { env });
    assert.match(stdout, new RegExp(`\\nnext: \\./selvedge job watch typed --state ${fake.folder}\\n$`));
    const { stderr } = await run("model show none", { env: { ...env, SELVEDGE_STATE: fake.folder } });
    assert.match(stderr, /\n {2}fix: see `\.\/selvedge model list`\n$/);
    const json = await run("model show none --json", { env: { ...env, SELVEDGE_STATE: fake.folder } });
    assert.equal(JSON.parse(json.stderr).error.fix, "see `./selvedge model list`");
  });

  test("a wrong job file starts nothing", async () => {
    const { code, stderr } = await run("job run job.yaml --set round=3 --id wrong");
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: unknown key "round"\n {2}at: {2}--set round=3\n {2}fix: did you mean "rounds"\?/,
    );
    assert.ok(!fake.jobs.has("wrong"));
    assert.match((await run("job run none.yaml")).stderr, /none\.yaml\n/);
  });

  test("a watched job ends the command, with 1 unless it completed", async () => {
    const rounds = [{ number: 1, status: "completed", evaluation: { accuracy: 0.5, loss: 1 } }];
    const job = (status: string): Job =>
      create(JobSchema, { id: "seen", status, rounds: 1, roundsCompleted: 1, history: rounds });
    fake.watched.set("seen", [job("running"), job("completed")]);
    const completed = await run("job watch seen");
    assert.equal(completed.code, 0);
    assert.match(
      completed.stdout,
      /job seen completed: 1 of 1 rounds, accuracy 0\.5000\nnext: selvedge release seen\n$/,
    );
    fake.watched.set("bad", [job("failed")]);
    assert.equal((await run("job run job.yaml --id bad --watch")).code, 1);
    const lines = (await run("job watch bad --json")).stdout.trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).type),
      ["round", "ended"],
    );
  });

  test("jobs are listed, shown and cancelled", async () => {
    fake.jobs.clear();
    const round = { number: 1, status: "completed", evaluation: { accuracy: 0.75 } };
    const participants = [
      { device: "7d9e0a52-0000-4000-8000-000000000001", status: "declined", reason: "outside its hours" },
      { device: "attic", status: "declined", reason: "no data" },
    ];
    const current = { number: 2, status: "collecting", participants };
    const created = {
      createdAtMs: 1_795_521_540_000n,
      status: "running",
      rounds: 2,
      roundsCompleted: 1,
      history: [round],
    };
    fake.jobs.set("digits-1", create(JobSchema, { id: "digits-1", name: "digits", ...created, current }));
    assert.equal(
      (await run("job list")).stdout,
      "ID        STATUS   ROUNDS  ACCURACY  STARTED\ndigits-1  running     1/2    0.7500  1m ago\n",
    );
    const shown = (await run("job show digits-1")).stdout;
    assert.match(
      shown,
      /round 2 collecting: 0 of 2 devices are in\n\nDEVICE {3}ANSWER {4}REASON {13}ID\nkitchen {2}declined {2}outside its hours {2}7d9e0a52\S+1\nattic {4}declined {2}no data {12}attic\n$/,
    );
    assert.equal((await run("job cancel digits-1")).stdout, "job digits-1 cancelled\n");
    assert.deepEqual(await run("job cancel nope"), {
      code: 3,
      stdout: "",
      stderr: `error: no job "nope"\n  at:  ${fake.url}\n  fix: see \`selvedge job list\`\n`,
    });
  });

  test("a completed job's model is released, listed, and fetched with its digest verified", async () => {
    const bytes = new TextEncoder().encode("a model ".repeat(1_000));
    const model = await fake.blobs.put(bytes);
    const blob = { digest: model.digest, length: BigInt(model.length) };
    fake.jobs.set(
      "digits-2",
      create(JobSchema, { id: "digits-2", name: "digits", status: "completed", model: blob }),
    );
    assert.equal(
      (await run("release digits-2")).stdout,
      `released digits@1 (${model.digest})\nnext: selvedge device list\n`,
    );
    assert.equal(JSON.parse((await run("release digits-2 --json")).stdout).release.version, 2);
    assert.match((await run("model list")).stdout, /^digits@2 {2}current {2}8\.0 kB {2}digits-2 {2}sha256:/m);
    assert.match(
      (await run("model show digits@1")).stdout,
      /^state {6}superseded\n[\s\S]*^served by {2}1 of 2 devices$/m,
    );
    await mkdir(join(fake.folder, "out"));
    const part = join(fake.folder, "out", `m.onnx.${model.digest.slice(7, 19)}.part`);
    await writeFile(part, bytes.subarray(0, 3_000));
    const got = await run("model get digits -o out/m.onnx");
    assert.equal(got.stdout, `${join(fake.folder, "out/m.onnx")}: digits@2, 8.0 kB, digest verified\n`);
    assert.equal(digestOf(await readFile(join(fake.folder, "out/m.onnx"))), model.digest);
    await writeFile(part, "not the beginning of this model");
    const spoilt = await run("model get digits -o out/m.onnx");
    assert.deepEqual([spoilt.code, /the bytes that came have sha256:/.test(spoilt.stderr)], [4, true]);
    assert.deepEqual(await readdir(join(fake.folder, "out")), ["m.onnx"]);
    assert.equal((await run("model get faces")).code, 3);
    assert.equal((await run("model get digits@x")).code, 2);
  });

  test("a job without a model cannot be released", async () => {
    fake.jobs.set("early", create(JobSchema, { id: "early", name: "digits", status: "running" }));
    const { code, stderr } = await run("release early");
    assert.deepEqual([code, /wait until it is completed/.test(stderr)], [3, true]);
    fake.jobs.set("ended", create(JobSchema, { id: "ended", name: "digits", status: "failed" }));
    assert.match((await run("release ended")).stderr, /fix: run the job again/);
  });

  test("refusals and failures have their exit codes", async () => {
    const codes = {
      permission_denied: 4,
      unauthenticated: 4,
      resource_exhausted: 5,
      unavailable: 5,
    } as const;
    for (const [code, exit] of Object.entries(codes)) {
      fake.failure = new SelvedgeError(code as keyof typeof codes, "no");
      assert.equal((await run("status")).code, exit, code);
    }
    const { stderr } = await run("status --json");
    assert.deepEqual(JSON.parse(stderr).error.code, "unavailable");
    fake.failure = undefined;
    const operator = JSON.parse(await readFile(join(fake.folder, "operator.json"), "utf8"));
    await writeFile(
      join(fake.folder, "stranger.json"),
      JSON.stringify({ ...operator, token: "svo1.other" }),
      { mode: 0o600 },
    );
    assert.equal((await run("status --operator stranger.json")).code, 4);
    await writeFile(
      join(fake.folder, "gone.json"),
      JSON.stringify({ ...operator, url: "https://127.0.0.1:1" }),
      { mode: 0o600 },
    );
    const gone = await run("status --operator gone.json");
    assert.deepEqual([gone.code, /ECONNREFUSED[\s\S]*fix: /.test(gone.stderr)], [5, true]);
  });

  test("an interruption ends with 130 and says nothing", async () => {
    const interrupted = AbortSignal.abort();
    assert.deepEqual(await run("status", { interrupted }), { code: 130, stdout: "", stderr: "" });
  });
});

suite("the command line", () => {
  test("with --json a wrong command line is told as any other error, in one document", async () => {
    const lines = [
      "jbo list --json",
      "--json job run",
      "status --jsno --json",
      "token create --uses x --json",
    ];
    for (const line of [...lines, "--json", "job --json"]) {
      const { code, stdout, stderr } = await selvedge(line.split(" "));
      assert.deepEqual([code, stdout], [2, ""], line);
      const { error } = JSON.parse(stderr);
      assert.equal(error.code, "invalid_argument", line);
      assert.match(error.message, /^(?!error)[\w'" -]+/, line);
    }
  });

  test("an interruption hides no failure but its own", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const interrupted = AbortSignal.abort();
    const { code, stderr } = await selvedge(["model", "check", "none.onnx"], {
      ...{ workingFolder: folder, interrupted },
    });
    assert.deepEqual([code, /none\.onnx/.test(stderr)], [3, true]);
  });

  test("a wrong command line exits with 2 and names what was meant", async () => {
    const lines = [
      "jbo list",
      "job lsit",
      "status --jsno",
      "token create --lifetime 5",
      "token create --uses x",
      "job run",
      "up --port 70000",
      "demo --alpha 0",
    ];
    for (const line of lines) {
      const { code, stdout, stderr } = await selvedge(line.split(" "));
      assert.deepEqual([code, stdout], [2, ""], line);
      assert.match(stderr, /^error: /, line);
    }
    assert.match((await selvedge(["jbo"])).stderr, /Did you mean job\?/);
    assert.match((await selvedge(["join", "https://a"])).stderr, /--token-file/);
    assert.match((await selvedge(["up", "--dataset", "x=tar:a"])).stderr, /NAME=idx:IMAGES,LABELS,CLASSES/);
  });

  test("every command has help with examples, and a heading in docs/reference/cli.md", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/cli.md"), "utf8");
    for (const command of commands) {
      const { code, stdout, stderr } = await selvedge([...command.split(" "), "--help"]);
      assert.deepEqual([code, stderr], [0, ""], command);
      assert.match(stdout, new RegExp(`^Usage: selvedge ${command} `), command);
      assert.match(stdout, /\nExamples:\n {2}selvedge /, command);
      assert.match(stdout, /--json/, command);
      assert.match(page, new RegExp(`^### selvedge ${command}$`, "m"), command);
    }
  });

  test("help shows the command as it was typed, and defaults as words", async () => {
    const help = async (command: string): Promise<string> =>
      (await selvedge([...command.split(" "), "--help"], { env: { SELVEDGE_STARTED_AS: "./selvedge" } }))
        .stdout;
    assert.match(
      await help("job show"),
      /^Usage: \.\/selvedge job show .*\n[\s\S]*\n {2}\.\/selvedge job show digits-1\n/,
    );
    for (const command of commands)
      assert.doesNotMatch(await help(command), /\(default: (\[|\d{5})/, command);
  });

  test("the version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
    assert.equal((await selvedge(["--version"])).stdout, `${version}\n`);
    assert.match((await selvedge(["version"])).stdout, new RegExp(`^selvedge ${version} \\(Node \\d`));
    assert.equal(JSON.parse((await selvedge(["version", "--json"])).stdout).version, version);
  });

  test("without a coordinator on this machine the fix says what to do", async () => {
    const { code, stderr } = await selvedge(["status", "--state", "/nowhere"]);
    assert.equal(code, 3);
    assert.match(stderr, /at: {2}\/nowhere\/operator.json\n {2}fix: run this where `selvedge up` runs/);
  });
});

const commands = [
  "demo",
  "up",
  "backup",
  "restore",
  "doctor",
  "token create",
  "token list",
  "token revoke",
  "join",
  "agent run",
  "agent audit",
  "operator create",
  "operator list",
  "operator revoke",
  "login",
  "logout",
  "whoami",
  "audit list",
  "audit verify",
  "audit export",
  "device list",
  "device show",
  "device approve",
  "device revoke",
  "device rename",
  "device group",
  "status",
  "job run",
  "job list",
  "job show",
  "job watch",
  "job cancel",
  "release",
  "model list",
  "model show",
  "model check",
  "model get",
  "serve",
  "version",
];

const jobYaml = `name: digits
model: { builder: mlp, input: [4], hidden: [3], classes: 2 }
dataset: { name: digits, inputShape: [4], classes: 2 }
learningRate: 0.1
rounds: 2
cohort: 2
`;
