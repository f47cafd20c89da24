import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { patienceMs } from "../patience.fixture.ts";
import { mainPath, thisCheckout } from "../spawned-process.fixture.ts";

const node = [process.execPath, "--disable-warning=ExperimentalWarning"] as const;

/** The four motes of `examples/motes`, their agents and their coordinator; every step is a command. */
export class MoteFleet implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "selvedge-e2e-motes-"));
  readonly #processes: ChildProcess[] = [];

  async start(): Promise<void> {
    this.script("examples/motes/prepare.ts", this.folder);
    const dataset = `motes-test=csv:${join(this.folder, "test.csv")}`;
    const up = this.#spawn(
      "up",
      "--state",
      this.#state,
      "--host",
      "127.0.0.1",
      "--port",
      "0",
      "--dataset",
      dataset,
    );
    const { url } = JSON.parse(await firstLine(up)) as { readonly url: string };
    const { token } = this.operator("token", "create", "--uses", "4") as { readonly token: string };
    const tokenFile = join(this.folder, "token");
    writeFileSync(tokenFile, token, { mode: 0o600 });
    for (const mote of motes) {
      this.#run(
        "join",
        url,
        "--token-file",
        tokenFile,
        "--folder",
        this.folderOf(mote),
        "--name",
        `mote-${mote}`,
      );
      // The example's ports are fixed, for a person; here any will do.
      this.edit(mote, "agent.yaml", (text) => text.replace(/port: \d+/, "port: 0"));
    }
    for (const mote of motes) this.#spawn("agent", "run", "--folder", this.folderOf(mote));
    await this.#until(() => {
      const { devices } = this.operator("device", "list") as {
        readonly devices: readonly { online: boolean }[];
      };
      return devices.filter(({ online }) => online).length === motes.length;
    }, "four motes online");
  }

  folderOf(mote: string): string {
    return join(this.folder, mote);
  }

  edit(mote: string, file: string, change: (text: string) => string): void {
    const path = join(this.folderOf(mote), file);
    writeFileSync(path, change(readFileSync(path, "utf8")));
  }

  /** A command of the operator's. @returns what it says with --json */
  operator(...args: string[]): unknown {
    const lines = this.#run(...args, "--state", this.#state)
      .trimEnd()
      .split("\n");
    return JSON.parse(lines.at(-1) ?? "");
  }

  /** A command of the operator's that is refused. @returns its error */
  refused(...args: string[]): { readonly code: string; readonly message: string } {
    const [command = "", ...rest] = [...node, mainPath(), ...args, "--state", this.#state, "--json"];
    const { status, stderr } = spawnSync(command, rest, { encoding: "utf8", timeout: patienceMs });
    assert.notEqual(status, 0);
    return JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "").error;
  }

  /** Waits until a device says why it takes no part in a job. */
  async refusalOf(job: string): Promise<string> {
    let reason = "";
    await this.#until(() => {
      const { job: shown } = this.operator("job", "show", job) as ShownJob;
      const rounds = [...shown.history, ...(shown.current === undefined ? [] : [shown.current])];
      reason = rounds.flatMap(({ participants }) => participants).find((one) => one.reason)?.reason ?? "";
      return reason !== "";
    }, `a reason in job ${job}`);
    return reason;
  }

  /** A script of the example's. @returns its standard output */
  script(path: string, ...args: string[]): string {
    return completed([...node, join(thisCheckout, path), ...args]);
  }

  auditLog(mote: string): { readonly kind: string; readonly statistics?: unknown }[] {
    const lines = readFileSync(join(this.folderOf(mote), "audit.log"), "utf8")
      .trimEnd()
      .split("\n");
    return lines.map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(kill));
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #state(): string {
    return join(this.folder, "coordinator");
  }

  #run(...args: string[]): string {
    return completed([...node, mainPath(), ...args, "--json"]);
  }

  /** Ends when this process does: its standard input closes then. */
  #spawn(...args: string[]): ChildProcess {
    const [command = "", ...rest] = [...node, mainPath(), ...args, "--json", "--stop-with-stdin"];
    const log = openSync(join(this.folder, "processes.log"), "a", 0o600);
    try {
      const child = spawn(command, rest, { stdio: ["pipe", "pipe", log] });
      this.#processes.push(child);
      return child;
    } finally {
      closeSync(log);
    }
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    const end = performance.now() + patienceMs;
    while (!isSo()) {
      if (performance.now() > end) {
        assert.fail(
          `not after ${patienceMs / 1_000} s: ${what}\n${readFileSync(join(this.folder, "processes.log"), "utf8")}`,
        );
      }
      await sleep(100);
    }
  }
}

interface ShownRound {
  readonly participants: readonly { readonly reason?: string }[];
}

interface ShownJob {
  readonly job: { readonly history: readonly ShownRound[]; readonly current?: ShownRound };
}

export const motes: readonly string[] = ["1", "2", "3", "4"];

async function firstLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout !== null);
  const lines = createInterface({ input: child.stdout });
  const signal = AbortSignal.timeout(patienceMs);
  const [line] = await Promise.race([once(lines, "line", { signal }), once(lines, "close", { signal })]);
  return String(line);
}

function completed([command = "", ...args]: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 2 * patienceMs });
  assert.equal(status, 0, `${args.join(" ")}\n${stderr}`);
  return stdout;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
