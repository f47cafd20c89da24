import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Device, Job } from "@selvedge/protocol";
import type {
  CoordinatorSettings,
  CrashLine,
  CrashPoint,
  FromCoordinator,
  ToCoordinator,
} from "./crashing-coordinator.fixture.ts";
import { contributions, Operator } from "./operator.fixture.ts";
import { until } from "./patience.fixture.ts";
import { mainPath, SpawnedProcess, thisCheckout } from "./spawned-process.fixture.ts";
import { evaluationData, writeSyntheticDigits } from "./synthetic-digits.fixture.ts";
import { TestDevice } from "./test-device.fixture.ts";

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
  #coordinator: SpawnedProcess | undefined;
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
   * A command of the operator's on the coordinator's machine.
   *
   * @param sources - the checkout whose command it is
   * @returns what it prints
   * @throws what execFile throws, with its `code` and `stderr`
   */
  async run(args: readonly string[], sources: string = thisCheckout): Promise<string> {
    const line = [mainPath(sources), ...args, "--state", join(this.folder, "coordinator")];
    return (await promisify(execFile)(process.execPath, line)).stdout;
  }

  /**
   * On the port it had before, for devices know no other.
   *
   * @param clock - as faketime(1) takes it; default: the machine's.
   */
  async startCoordinator(clock?: string): Promise<void> {
    const coordinator = new SpawnedProcess([join(this.sources, coordinatorPath)], {
      ...{ log: this.#coordinatorLog, hasChannel: true, clock },
      durableLog: this.#isObserved ? this.durableLog : undefined,
    });
    this.#coordinator = coordinator;
    const data = writeSyntheticDigits(join(this.folder, "evaluation"), 100, "evaluation");
    const settings: CoordinatorSettings = {
      folder: join(this.folder, "coordinator"),
      ...(this.#storeUrl === undefined ? {} : { storeUrl: this.#storeUrl }),
      port: this.#port,
      evaluationName: evaluationData,
      evaluationData: data,
    };
    const started = await this.#ask(coordinator, { type: "start", settings });
    if (started.type === "started") this.#port = started.port;
  }

  /** The coordinator kills itself when it comes to this point. */
  async armCoordinator(point: CrashPoint): Promise<void> {
    await this.#ask(this.#running(), { type: "arm", point });
  }

  /** Waits until the coordinator has killed itself; says where. Throws when it ends in another way. */
  async coordinatorCrash(): Promise<CrashLine> {
    const { child } = this.#running();
    await until(() => child.exitCode !== null || child.signalCode !== null, "the coordinator has ended");
    this.#coordinator = undefined;
    if (child.signalCode !== "SIGKILL") throw new Error(`ended with ${child.signalCode ?? child.exitCode}`);
    return JSON.parse(
      readFileSync(this.#coordinatorLog, "utf8").trimEnd().split("\n").at(-1) ?? "",
    ) as CrashLine;
  }

  /** `kill -9`. */
  async killCoordinator(): Promise<void> {
    const coordinator = this.#running();
    await coordinator.killGroup();
    await until(() => !coordinator.isGroupThere(), "the coordinator's processes are gone");
    this.#coordinator = undefined;
  }

  /** Where what the coordinator makes durable is written down. */
  get durableLog(): string {
    return join(this.folder, "coordinator.durable");
  }

  /** Resolves when the coordinator's process has ended, however. */
  coordinatorEnded(): Promise<void> {
    return this.#running().ended;
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

  /** Waits until devices serve this version of what jobs here are called. */
  async serving(version: number, devices: readonly TestDevice[] = this.devices): Promise<void> {
    await until(async () => {
      const { devices: seen } = await this.operator.call((client) => client.listDevices({}));
      const isCurrent = ({ models }: Device): boolean =>
        models.some(
          (one) =>
            one.name === "digits" && Number(one.version) === version && one.serving && one.error === "",
        );
      return devices.every(({ id }) => seen.some((device) => device.id === id && isCurrent(device)));
    }, `digits@${version} on ${devices.length} devices`);
  }

  /** Lets another device join, on a machine of its own. */
  async join(token: string, clock?: string): Promise<TestDevice> {
    const device = this.#another();
    if (clock === undefined) await device.join(this.operator.url, token);
    else device.joinByCommand(this.operator.url, token, clock);
    return device;
  }

  /** Lets another device join that runs the sources of another checkout. */
  joinWith(sources: string, token: string): TestDevice {
    const device = this.#another();
    device.sources = sources;
    device.joinByCommand(this.operator.url, token);
    return device;
  }

  /** A second machine with all the files of a device that does not run. */
  copyOf(device: TestDevice): TestDevice {
    const copy = this.#another();
    cpSync(device.folder, copy.folder, { recursive: true });
    copy.id = device.id;
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

  /** Of a job of three rounds: it is completed, and all these devices contributed to each round. */
  assertComplete(job: Job, devices: readonly TestDevice[] = this.devices): void {
    assert.equal(job.status, "completed", job.reason);
    const everyone = devices.map(({ id }) => id).sort();
    assert.deepEqual(contributions(job), [everyone, everyone, everyone]);
  }

  device(id: string): TestDevice {
    const found = this.devices.find((device) => device.id === id);
    if (found === undefined) throw new Error(`no device ${id}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const devices = [...this.devices, ...this.#others];
    await Promise.all([this.#coordinator?.killGroup(), ...devices.map((device) => device.clear())]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #joinAll(): Promise<void> {
    const token = await this.operator.createToken(this.devices.length);
    for (const device of this.devices) await device.join(this.operator.url, token);
  }

  #another(): TestDevice {
    const device = new TestDevice(this.folder, 200 + this.#others.length);
    this.#others.push(device);
    return device;
  }

  #running(): SpawnedProcess {
    if (this.#coordinator === undefined) throw new Error("no coordinator runs");
    return this.#coordinator;
  }

  async #ask(coordinator: SpawnedProcess, message: ToCoordinator): Promise<FromCoordinator> {
    const answer = coordinator.message();
    coordinator.child.send(message);
    try {
      return (await answer) as FromCoordinator;
    } catch (cause) {
      throw new Error(`the coordinator did not answer:\n${readFileSync(this.#coordinatorLog, "utf8")}`, {
        cause,
      });
    }
  }
}

const coordinatorPath = "test/e2e/crashing-coordinator.fixture.ts";
