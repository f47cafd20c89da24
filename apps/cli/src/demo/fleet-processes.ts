import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { IdxSource } from "@selvedge/datasets";
import { SelvedgeError } from "@selvedge/protocol";
import type { Terminal } from "../terminal.ts";
import { checkout, confinedTo } from "./confinement.ts";
import type { DemoFolder } from "./demo-folder.ts";
import { digits, testSet } from "./demo-job.ts";
import type { ProcessOptions } from "./selvedge-process.ts";
import type { Supervisor } from "./supervisor.ts";

/** Starts the processes of a demo's fleet: what a person would type, each with its own folder. */
export class FleetProcesses {
  readonly #supervisor: Supervisor;
  readonly #folder: DemoFolder;
  readonly #env: Terminal["env"];

  /** @throws SelvedgeError `failed_precondition` when devices could read each other's folders. */
  constructor(supervisor: Supervisor, folder: DemoFolder, env: Terminal["env"]) {
    if (!relative(checkout, folder.path).startsWith("..")) {
      throw new SelvedgeError("failed_precondition", "the folder for temporary files is in the checkout", {
        at: folder.path,
        fix: "set TMPDIR to a folder outside: devices may read the program, and must not read each other",
      });
    }
    this.#supervisor = supervisor;
    this.#folder = folder;
    this.#env = env;
  }

  /** `selvedge up`. @param port - 0 = any free port */
  async startCoordinator(port: number, test: IdxSource): Promise<{ readonly operatorFile: string }> {
    const { coordinator, path } = this.#folder;
    const source = `${testSet}=idx:${test.imagesPath},${test.labelsPath},${test.classes}`;
    const process = this.#supervisor.start({
      ...this.#of(coordinatorName),
      command: [
        ...["up", "--state", coordinator, "--host", "127.0.0.1", "--port", String(port)],
        ...["--dataset", source, "--stop-with-stdin"],
      ],
      folder: path,
    });
    // What our own command prints; docs/reference/cli.md.
    return (await process.ready()) as { readonly operatorFile: string };
  }

  /** `selvedge join`, then lists the device's data in its agent.yaml. */
  async join(name: string, url: string, token: string): Promise<void> {
    const folder = this.#folder.device(name);
    await mkdir(join(folder, "tmp"), { recursive: true, mode: 0o700 });
    await this.#supervisor.run({
      ...this.#ofDevice(name, "join"),
      command: ["join", url, "--token-file", "-", "--folder", folder, "--name", name],
      input: token,
    });
    await writeFile(join(folder, "agent.yaml"), agentYaml);
  }

  /** `selvedge agent run`. */
  async startAgent(name: string): Promise<{ readonly inferenceUrl: string }> {
    const process = this.#supervisor.start({
      ...this.#ofDevice(name, "agent"),
      command: ["agent", "run", "--folder", this.#folder.device(name), "--stop-with-stdin"],
    });
    return (await process.ready()) as { readonly inferenceUrl: string };
  }

  #ofDevice(name: string, log: string): Omit<ProcessOptions, "command"> {
    const folder = this.#folder.device(name);
    return {
      ...this.#of(name, log),
      nodeOptions: confinedTo(folder),
      folder,
      // `agent run` starts faster with what `join` has compiled.
      env: { ...this.#env, TMPDIR: join(folder, "tmp"), NODE_COMPILE_CACHE: join(folder, "tmp/compiled") },
    };
  }

  #of(name: string, log: string = name): Omit<ProcessOptions, "command" | "folder"> {
    const logPath = join(this.#folder.logs, name === log ? `${name}.log` : `${name}-${log}.log`);
    return { name, env: this.#env, logPath };
  }
}

export const coordinatorName = "coordinator";

const agentYaml = `datasets:
  ${digits}:
    format: idx
    images: data/images.idx
    labels: data/labels.idx
    classes: 10
inference:
  host: 127.0.0.1
  port: 0
`;
