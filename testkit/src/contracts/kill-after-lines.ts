import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/**
 * Runs a program, kills it with SIGKILL once it has printed `lines` lines, and
 * returns all it printed until it was dead (more than `lines`, as it goes on
 * meanwhile). Fails when it ends by itself.
 */
export async function killAfterLines(
  program: URL,
  programArguments: readonly string[],
  lines: number,
): Promise<string[]> {
  const child = spawn(process.execPath, [program.pathname, ...programArguments], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const printed: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    printed.push(line);
    if (printed.length === lines) child.kill("SIGKILL");
  }
  const [, signal] = await exited;
  assert.equal(signal, "SIGKILL", `the program ended by itself after ${printed.length} lines`);
  return printed;
}
