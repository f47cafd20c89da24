import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { joinFleet } from "@selvedge/agent";
import type { Job } from "@selvedge/protocol";
import type {
  CoordinatorSettings,
  CrashLine,
  CrashPoint,
  FromCoordinator,
} from "./crashing-coordinator.fixture.ts";
import { Operator } from "./operator.fixture.ts";
import { writeSyntheticDigits } from "./synthetic-digits.fixture.ts";

/** What devices call their data, and the coordinator its own. */
export const trainingData = "digits";
export const evaluationData = "held-back";

export interface FleetOptions {
  /** Where the coordinator keeps its records, instead of its folder. */
  readonly storeUrl?: string;
  /** Whether what its processes make durable is written down; see durable-operations.fixture.ts. */
  readonly isObserved?: boolean;
  /** The coordinator's at first, as faketime(1) takes it; default: the machine's. */
  readonly clock?: string;
  /** The checkout whose coordinator runs at first; default: this one. */
  readonly sources?: string;
}

/** A coordinator and devices in processes and folders of their own, on this machine. */
export class TestFleet implements AsyncDisposable {
  readonly folder: string;
  readonly devices: readonly TestDevice[];
  /** The checkout whose coordinator is started. */
  sources: string;
  readonly #coordinatorLog: string;
  readonly #storeUrl: string | undefined;
  readonly #isObserved: boolean;
  readonly #others: TestDevice[] = [];
  #coordinator: ChildProcess | undefined;
  #port = 0;

  /** Starts the coordinator, lets `devices` join, and starts their agents. */
  static async start(devices: number, options: FleetOptions = {}): Promise<TestFleet> {
    const fleet = new TestFleet(devices, options);
    try {
      await fleet.startCoordinator(options.clock);
      await fleet.#joinAll();
      for (const device of fleet.devices) device.start();
      await fleet.online(devices);
      return fleet;
    } catch (thrown) {
      await fleet[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  private constructor(
    devices: number,
    { storeUrl, isObserved = false, sources = thisCheckout }: FleetOptions,
  ) {
    this.sources = sources;
    this.#storeUrl = storeUrl;
    this.#isObserved = isObserved;
    this.folder = mkdtempSync(join(tmpdir(), "selvedge-e2e-"));
    this.#coordinatorLog = join(this.folder, "coordinator.log");
    this.devices = Array.from(
      { length: devices },
      (_, index) => new TestDevice(this.folder, index + 1, isObserved),
    );
  }

  get operator(): Operator {
    return new Operator(join(this.folder, "coordinator"));
  }

  /**
   * On the port it had before, for devices know no other.
   *
   * @param clock - as faketime(1) takes it; default: the machine's.
   */
  async startCoordinator(clock?: string): Promise<void> {
    const observer = this.#isObserved ? this.durableLog : undefined;
    const child = spawnLogged(
      [join(this.sources, coordinatorPath)],
      this.#coordinatorLog,
      "ipc",
      observer,
      clock,
    );
    this.#coordinator = child;
    const data = writeSyntheticDigits(join(this.folder, "evaluation"), 100, "evaluation");
    const settings: CoordinatorSettings = {
      folder: join(this.folder, "coordinator"),
      ...(this.#storeUrl === undefined ? {} : { storeUrl: this.#storeUrl }),
      port: this.#port,
      evaluationName: evaluationData,
      evaluationData: data,
    };
    child.send({ type: "start", settings });
    const started = await this.#answer(child);
    if (started.type === "started") this.#port = started.port;
  }

  /** The coordinator kills itself when it comes to this point. */
  async armCoordinator(point: CrashPoint): Promise<void> {
    if (this.#coordinator === undefined) throw new Error("no coordinator runs");
    this.#coordinator.send({ type: "arm", point });
    await this.#answer(this.#coordinator);
  }

  /** Waits until the coordinator has killed itself; says where. Throws when it ends in another way. */
  async coordinatorCrash(): Promise<CrashLine> {
    const child = this.#coordinator;
    if (child === undefined) throw new Error("no coordinator runs");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit", deadline());
    this.#coordinator = undefined;
    if (child.signalCode !== "SIGKILL") throw new Error(`ended with ${child.signalCode ?? child.exitCode}`);
    return JSON.parse(
      readFileSync(this.#coordinatorLog, "utf8").trimEnd().split("\n").at(-1) ?? "",
    ) as CrashLine;
  }

  /** `kill -9`. */
  async killCoordinator(): Promise<void> {
    const child = this.#coordinator;
    if (child === undefined) throw new Error("no coordinator runs");
    await killGroup(child);
    // faketime(1) runs it as a child of its own, whose end nobody waits for.
    await until(() => !isGroupThere(child), "the coordinator's processes are gone");
    this.#coordinator = undefined;
  }

  /** Where what the coordinator makes durable is written down. */
  get durableLog(): string {
    return join(this.folder, "coordinator.durable");
  }

  /** Resolves when the coordinator's process has ended, however. */
  async coordinatorExit(): Promise<void> {
    const child = this.#coordinator;
    if (child !== undefined && child.exitCode === null && child.signalCode === null)
      await once(child, "exit");
    this.#coordinator = undefined;
  }

  /** Ends and starts all agents, so that none pauses before it dials again. */
  async restartAgents(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.kill()));
    for (const device of this.devices) device.start();
  }

  /** Waits until so many devices are online. */
  async online(count: number): Promise<void> {
    await until(async () => (await this.operator.onlineDevices()) >= count, `${count} devices online`);
  }

  /** Waits until the coordinator knows that a device is gone. */
  async offline(device: TestDevice): Promise<void> {
    await until(async () => !(await this.operator.device(device.id)).online, `device ${device.id} offline`);
  }

  /** Lets another device join, on a machine of its own. */
  async join(token: string, clock?: string): Promise<TestDevice> {
    const device = new TestDevice(this.folder, 200 + this.#others.length);
    this.#others.push(device);
    if (clock === undefined) await device.join(this.operator.url, token);
    else device.joinByCommand(this.operator.url, token, clock);
    return device;
  }

  /** Lets another device join that runs the sources of another checkout. */
  joinWith(sources: string, token: string): TestDevice {
    const device = new TestDevice(this.folder, 200 + this.#others.length);
    this.#others.push(device);
    device.sources = sources;
    device.joinByCommand(this.operator.url, token);
    return device;
  }

  /** A second machine with all the files of a device that does not run. */
  copyOf(device: TestDevice): TestDevice {
    const copy = new TestDevice(this.folder, 200 + this.#others.length);
    cpSync(device.folder, copy.folder, { recursive: true });
    copy.id = device.id;
    this.#others.push(copy);
    return copy;
  }

  /** Waits until an operator sees a device in this state. */
  async standing(device: TestDevice, standing: string): Promise<void> {
    const isSo = async (): Promise<boolean> => (await this.operator.device(device.id)).standing === standing;
    await until(isSo, `device ${device.id} ${standing}`);
  }

  /** Waits until no device holds a result any more that it has sent. */
  async outboxesEmpty(): Promise<void> {
    await until(() => this.devices.every((device) => device.isOutboxEmpty()), "all outboxes empty");
  }

  device(id: string): TestDevice {
    const found = this.devices.find((device) => device.id === id);
    if (found === undefined) throw new Error(`no device ${id}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const agents = [...this.devices, ...this.#others].map(({ agent }) => agent);
    const children = [this.#coordinator, ...agents];
    await Promise.all(children.map((child) => child && killGroup(child)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #joinAll(): Promise<void> {
    const token = await this.operator.createToken(this.devices.length);
    for (const device of this.devices) await device.join(this.operator.url, token);
  }

  async #answer(child: ChildProcess): Promise<FromCoordinator> {
    const stop = new AbortController();
    const died = once(child, "exit", { signal: stop.signal }).then(() => {
      throw new Error(`the coordinator ended:\n${readFileSync(this.#coordinatorLog, "utf8")}`);
    });
    try {
      const [message] = await Promise.race([once(child, "message", deadline()), died]);
      return message as FromCoordinator;
    } finally {
      stop.abort();
      died.catch(() => {});
    }
  }
}

/** One device: its folder, and its agent while that runs. */
export class TestDevice {
  readonly folder: string;
  id = "";
  /** The checkout whose agent it runs. */
  sources: string = thisCheckout;
  agent: ChildProcess | undefined;
  /** Where what its agent makes durable is written down. */
  readonly durableLog: string | undefined;
  readonly #number: number;
  readonly #log: string;

  constructor(fleetFolder: string, number: number, isObserved = false) {
    this.#number = number;
    this.durableLog = isObserved ? join(fleetFolder, `device-${number}.durable`) : undefined;
    this.folder = join(fleetFolder, `device-${number}`);
    this.#log = join(fleetFolder, `device-${number}.log`);
  }

  async join(url: string, token: string): Promise<void> {
    this.id = (await joinFleet({ url, token, folder: this.folder, name: this.#name })).deviceId;
    this.#configure();
  }

  /**
   * As `join`, by the command of its checkout.
   *
   * @param clock - as faketime(1) takes it; default: the machine's.
   */
  joinByCommand(url: string, token: string, clock?: string): void {
    const options = ["--token-file", "-", "--folder", this.folder, "--name", this.#name, "--json"];
    const [program, args] = nodeAt(clock, [join(this.sources, mainPath), "join", url, ...options]);
    const { status, stdout, stderr } = spawnSync(program, args, { input: token, encoding: "utf8" });
    if (status !== 0) throw new Error(`the device did not join:\n${stderr}`);
    this.id = (JSON.parse(stdout) as { readonly deviceId: string }).deviceId;
    this.#configure();
  }

  #configure(): void {
    writeSyntheticDigits(this.dataFolder, 60 + 20 * this.#number, this.#name);
    // Versions before the first release do not know the setting.
    const connection = this.sources === thisCheckout ? "connection: { longestPause: 1s }\n" : "";
    writeFileSync(join(this.folder, "agent.yaml"), agentYaml + connection);
  }

  get #name(): string {
    return `device-${this.#number}`;
  }

  get dataFolder(): string {
    return join(this.folder, "data");
  }

  /**
   * @param clock - as faketime(1) takes it; default: the machine's.
   * @param nodeOptions - Node's own, such as those of its permission model
   */
  start(clock?: string, nodeOptions: readonly string[] = []): void {
    this.agent = spawnLogged(
      [
        ...nodeOptions,
        join(this.sources, mainPath),
        "agent",
        "run",
        "--folder",
        this.folder,
        "--json",
        "--stop-with-stdin",
      ],
      this.#log,
      "ignore",
      this.durableLog,
      clock,
    );
  }

  /** How often its log says something. */
  count(words: RegExp): number {
    return readFileSync(this.#log, "utf8").match(new RegExp(words, "g"))?.length ?? 0;
  }

  /** `kill -9` of the agent alone: what it started has to notice by itself. */
  async kill(): Promise<void> {
    const agent = this.agent;
    if (agent === undefined) throw new Error("no agent runs");
    const exited = once(agent, "exit", deadline());
    agent.kill("SIGKILL");
    await exited;
  }

  /** Takes its processes the processor away, or gives it back; its connections stay. */
  pause(isPaused: boolean): void {
    const pid = this.agent?.pid;
    if (pid === undefined) throw new Error("no agent runs");
    process.kill(-pid, isPaused ? "SIGSTOP" : "SIGCONT");
  }

  /** Waits until its log says something. */
  async says(words: RegExp): Promise<void> {
    await until(() => words.test(readFileSync(this.#log, "utf8")), `device ${this.id} says ${words}`);
  }

  /** Digests of all results that were about to leave, from the owner's audit log. */
  sentResults(): string[] {
    const path = join(this.folder, "audit.log");
    if (!existsSync(path)) return [];
    // A line that a crash cut short stays; nothing left for it.
    const lines = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line.endsWith("}"));
    return lines.map((line) => (JSON.parse(line) as { readonly digest: string }).digest);
  }

  isOutboxEmpty(): boolean {
    return this.sentResults().every((digest) => {
      const hex = digest.slice("sha256:".length);
      return !existsSync(join(this.folder, "blobs", hex.slice(0, 2), hex));
    });
  }
}

/** Waits until something that can be seen from outside is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not after ${patienceMs / 1_000} s: ${what}`);
    await sleep(pollMs);
  }
}

/** How long to wait for what must come; far above what a slow machine needs. */
export function deadline(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(patienceMs) };
}

/** The rounds of a job with who contributed to each. */
export function contributions(job: Job): string[][] {
  return job.history.map((round) =>
    round.participants
      .filter(({ status }) => status === "contributed")
      .map(({ device }) => device)
      .sort(),
  );
}

/** In a group of its own, so that what it starts can be ended with it. */
function spawnLogged(
  args: readonly string[],
  logPath: string,
  channel: "ipc" | "ignore",
  durableLog?: string,
  clock?: string,
): ChildProcess {
  mkdirSync(join(logPath, ".."), { recursive: true });
  const log = openSync(logPath, "a", 0o600);
  const observer = durableLog === undefined ? [] : [`--import=${durableOperationsPath}`];
  try {
    return spawn(...nodeAt(clock, [...observer, ...args]), {
      env: {
        ...process.env,
        ...(durableLog === undefined ? {} : { SELVEDGE_DURABLE_LOG: durableLog }),
        // Only what a clock says is faked, not how fast time goes by.
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
      // Both end with the test, whatever ended that: when their standard input or their channel closes.
      stdio: ["pipe", "ignore", log, channel],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

/** A program and its arguments: Node, told another time than the machine's where a clock is given. */
function nodeAt(clock: string | undefined, args: readonly string[]): [string, string[]] {
  const node = ["--disable-warning=ExperimentalWarning", ...args];
  return clock === undefined ? [process.execPath, node] : ["faketime", [clock, process.execPath, ...node]];
}

async function killGroup(child: ChildProcess): Promise<void> {
  const isRunning = child.exitCode === null && child.signalCode === null;
  const exited = isRunning ? once(child, "exit") : undefined;
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch (thrown) {
    // ESRCH: nothing of it is left.
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
  await exited;
}

function isGroupThere({ pid }: ChildProcess): boolean {
  try {
    return pid !== undefined && process.kill(-pid, 0);
  } catch {
    return false;
  }
}

export const thisCheckout: string = join(import.meta.dirname, "../..");
const coordinatorPath = "test/e2e/crashing-coordinator.fixture.ts";
const durableOperationsPath: string = join(import.meta.dirname, "durable-operations.fixture.ts");
const mainPath = "apps/cli/src/main.ts";
const patienceMs = 60_000;
const pollMs = 50;

const agentYaml = `datasets:
  ${trainingData}:
    format: idx
    images: data/images.idx
    labels: data/labels.idx
    classes: 4
inference: { host: 127.0.0.1, port: 0 }
`;
