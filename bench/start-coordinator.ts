import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The command's entry. */
export const main: string = join(import.meta.dirname, "../apps/cli/src/main.ts");

export interface StartedCoordinator {
  readonly child: ChildProcess;
  readonly port: number;
}

/** `selvedge up` on a folder, on 127.0.0.1. @param port - 0 takes a free one */
export async function startCoordinator(folder: string, port: number = 0): Promise<StartedCoordinator> {
  const address = ["--host", "127.0.0.1", "--name", "127.0.0.1", "--port", String(port)];
  const settings = ["--state", folder, "--trust-domain", "bench.test", "--log-level", "error"];
  const child = spawn(
    process.execPath,
    [main, "up", "--json", ...settings, ...address, "--stop-with-stdin"],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  if (child.stdout === null) throw new Error("the coordinator has no output");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { child, port: (JSON.parse(String(line)) as { readonly port: number }).port };
}
