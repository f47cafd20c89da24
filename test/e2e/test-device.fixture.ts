import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { joinFleet } from "@selvedge/agent";
import { until } from "./patience.fixture.ts";
import { mainPath, nodeAt, SpawnedProcess, thisCheckout } from "./spawned-process.fixture.ts";
import { trainingData, writeSyntheticDigits } from "./synthetic-digits.fixture.ts";

/** One device: its folder, and its agent while that runs. */
export class TestDevice {
  readonly folder: string;
  id = "";
  /** The checkout whose agent it runs. */
  sources: string = thisCheckout;
  /** Where what its agent makes durable is written down. */
  readonly durableLog: string | undefined;
  readonly #number: number;
  readonly #log: string;
  #agent: SpawnedProcess | undefined;

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
    const [program, args] = nodeAt(clock, [mainPath(this.sources), "join", url, ...options]);
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
    const run = ["agent", "run", "--folder", this.folder, "--json", "--stop-with-stdin"];
    this.#agent = new SpawnedProcess([...nodeOptions, mainPath(this.sources), ...run], {
      ...{ log: this.#log, durableLog: this.durableLog, clock },
    });
  }

  /** How often its log says something. */
  count(words: RegExp): number {
    return readFileSync(this.#log, "utf8").match(new RegExp(words, "g"))?.length ?? 0;
  }

  /** `kill -9` of the agent alone: what it started has to notice by itself. */
  async kill(): Promise<void> {
    await this.#running().kill();
  }

  /** `kill -9` of the agent, if there is one, and of all it started. */
  async clear(): Promise<void> {
    await this.#agent?.killGroup();
  }

  /** Resolves when the agent has ended, however. */
  ended(): Promise<void> {
    return this.#running().ended;
  }

  /** Takes its processes the processor away, or gives it back; its connections stay. */
  pause(isPaused: boolean): void {
    this.#running().pause(isPaused);
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

  #running(): SpawnedProcess {
    if (this.#agent === undefined) throw new Error("no agent runs");
    return this.#agent;
  }
}

const agentYaml = `datasets:
  ${trainingData}:
    format: idx
    images: data/images.idx
    labels: data/labels.idx
    classes: 4
inference: { host: 127.0.0.1, port: 0 }
`;
