import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { type InferenceServer, type StreamOptions, serve } from "@selvedge/inference";
import { buildMlp, serializeModel } from "@selvedge/onnx";
import { digestOf } from "@selvedge/protocol";

const programs = ["mosquitto", "mosquitto_pub", "mosquitto_sub", "mosquitto_passwd"];
const missing = programs.filter((program) => spawnSync("which", [program]).status !== 0);
const options = {
  skip:
    missing.length > 0 && `no ${missing.join(", ")} here (Debian packages mosquitto and mosquitto-clients)`,
  timeout: 300_000,
};

test(
  "[SV21] Mosquitto's own clients are answered, with a password, over MQTT 5 and 3.1.1",
  options,
  async (t) => {
    const broker = await Broker.prepare(t, "sensor", "secret");
    await broker.start();
    await startServer(t, {
      ...streamOf(broker),
      status: "models/status",
      user: "sensor",
      password: "secret",
    });
    assert.deepEqual(await broker.hear("models/status"), ["online"]);
    for (const version of ["5", "311"]) {
      const [answer] = await broker.hear("sensors/+/class", () =>
        broker.publish("sensors/a/image", "1,2,3,4", ["-V", version]),
      );
      const { model_name, model_version, parameters, outputs } = JSON.parse(String(answer));
      assert.deepEqual([model_name, model_version, parameters.topic], ["digits", "1", "sensors/a/image"]);
      assert.match(parameters.model_digest, /^sha256:/);
      assert.deepEqual(outputs[0].shape, [1, 3]);
    }
    const [refused] = await broker.hear("sensors/b/class/error", () =>
      broker.publish("sensors/b/image", "1,2"),
    );
    assert.match(JSON.parse(String(refused)).error, /has 2 elements, \[-1,4\] needs a multiple of 4/);
    const [reply] = await broker.hear("replies/1", () =>
      broker.publish("sensors/a/image", "[1,2,3,4]", [
        "-V",
        "5",
        "-D",
        "publish",
        "response-topic",
        "replies/1",
      ]),
    );
    assert.equal(JSON.parse(String(reply)).model_version, "1");
  },
);

test(
  "[SV24] a broker that is not there, or killed, costs the server nothing, and is found again",
  options,
  async (t) => {
    const broker = await Broker.prepare(t);
    const { server } = await startServer(t, streamOf(broker));
    const isReady = async (): Promise<boolean> => (await fetch(`${server.url}/readyz`)).ok;
    assert.equal(await isReady(), true);
    for (let time = 0; time < 2; time++) {
      await broker.start();
      await connected(server, 1);
      const [answer] = await broker.hear("sensors/a/class", () =>
        broker.publish("sensors/a/image", "1,2,3,4"),
      );
      assert.equal(JSON.parse(String(answer)).model_name, "digits");
      await broker.kill();
      await connected(server, 0);
      assert.equal(await isReady(), true);
    }
  },
);

test("[SV23] replacing the model, and killing its process, loses no message", options, async (t) => {
  const broker = await Broker.prepare(t);
  await broker.start();
  const { server, folder } = await startServer(t, streamOf(broker));
  await connected(server, 1);
  const count = 300;
  const heard = broker.listen("sensors/+/class", count);
  await heard.ready;
  const publishing = spawn("mosquitto_pub", [...broker.address, "-q", "1", "-t", "sensors/a/image", "-l"]);
  for (let n = 0; n < count; n++) {
    publishing.stdin.write(`${n},2,3,4\n`);
    if (n % 60 === 20) await server.deploy(await modelIn(folder, String(n + 2)));
    if (n === 150) {
      const [model] = server.models();
      if (model?.pid !== undefined) process.kill(model.pid, "SIGKILL");
    }
  }
  publishing.stdin.end();
  const answers = (await heard.lines).map((line) => JSON.parse(line));
  assert.equal(answers.filter(({ outputs }) => outputs?.length === 1).length, count);
  assert.ok(
    new Set(answers.map(({ model_version }) => model_version)).size > 1,
    "more than one version answered",
  );
});

function streamOf(broker: Broker): StreamOptions {
  const topics = { in: "sensors/+/image", out: "sensors/{1}/class" };
  return { url: broker.url, ...topics, payload: "auto", qos: 1, retain: false, maxWaiting: 64 };
}

async function startServer(
  t: TestContext,
  stream: StreamOptions,
): Promise<{ readonly server: InferenceServer; readonly folder: string }> {
  const folder = await temporaryFolder(t);
  const { path } = await modelIn(folder, "1");
  const server = await serve(path, { name: "digits", port: 0, streams: [stream], drainMs: 5_000 });
  t.after(() => server.close());
  return { server, folder };
}

async function modelIn(folder: string, version: string) {
  const bytes = serializeModel(buildMlp({ inputShape: [4], hidden: [8], classes: 3, seed: Number(version) }));
  const path = join(folder, `${version}.onnx`);
  await writeFile(path, bytes);
  return { name: "digits", version, digest: digestOf(bytes), path };
}

async function connected(server: InferenceServer, wanted: 0 | 1): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    if (text.includes(`selvedge_inference_stream_connected{stream="sensors/+/image"} ${wanted}\n`)) return;
    await delay(50);
  }
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-mosquitto-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const readyTopic = "test/ready";

/** A Mosquitto of its own on a free port. */
class Broker {
  readonly #config: string;
  readonly #port: number;
  readonly #credentials: readonly string[];
  #process: ChildProcess | undefined;

  static async prepare(t: TestContext, user?: string, password?: string): Promise<Broker> {
    const folder = await temporaryFolder(t);
    const port = await freePort();
    const lines = [`listener ${port} 127.0.0.1`, "user root", "max_queued_messages 0"];
    if (user !== undefined && password !== undefined) {
      const file = join(folder, "passwords");
      await promisify(execFile)("mosquitto_passwd", ["-b", "-c", file, user, password]);
      lines.push("allow_anonymous false", `password_file ${file}`);
    } else lines.push("allow_anonymous true");
    const config = join(folder, "mosquitto.conf");
    await mkdir(folder, { recursive: true });
    await writeFile(config, `${lines.join("\n")}\n`);
    const broker = new Broker(config, port, user === undefined ? [] : ["-u", user, "-P", password ?? ""]);
    t.after(() => broker.kill());
    return broker;
  }

  private constructor(config: string, port: number, credentials: readonly string[]) {
    this.#config = config;
    this.#port = port;
    this.#credentials = credentials;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  /** Options of Mosquitto's clients. */
  get address(): readonly string[] {
    return ["-h", "127.0.0.1", "-p", String(this.#port), ...this.#credentials];
  }

  async start(): Promise<void> {
    this.#process = spawn("mosquitto", ["-c", this.#config], { stdio: "ignore" });
    while (!(await listensAt(this.#port))) await delay(50);
    // Whoever gets it has subscribed to what it asked for together with it.
    await this.publish(readyTopic, readyTopic, ["-r"]);
  }

  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  }

  async publish(topic: string, payload: string, more: readonly string[] = []): Promise<void> {
    const args = [...this.address, "-q", "1", "-t", topic, "-m", payload, ...more];
    await promisify(execFile)("mosquitto_pub", args);
  }

  /** What comes on a topic, after what `then` does. */
  async hear(topic: string, then: () => Promise<void> = async () => {}): Promise<readonly string[]> {
    const { ready, lines } = this.listen(topic, 1);
    await ready;
    await then();
    return await lines;
  }

  /** The first messages of a topic, from when it is ready on. */
  listen(
    topic: string,
    count: number,
  ): { readonly ready: Promise<void>; readonly lines: Promise<readonly string[]> } {
    const args = [...this.address, "-q", "1", "-t", topic, "-t", readyTopic, "-C", String(count + 1)];
    const child = spawn("mosquitto_sub", args, { stdio: ["ignore", "pipe", "inherit"] });
    const ready = Promise.withResolvers<void>();
    const lines = (async () => {
      const heard: string[] = [];
      for await (const line of createInterface({ input: child.stdout })) {
        if (line === readyTopic) ready.resolve();
        else heard.push(line);
      }
      return heard;
    })();
    return { ready: ready.promise, lines };
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function listensAt(port: number): Promise<boolean> {
  const socket = dial(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
