#!/usr/bin/env node
import { homedir, hostname } from "node:os";
import { setFlagsFromString } from "node:v8";
import { commandAsTyped } from "./command-as-typed.ts";
import { exitCodes } from "./exit-codes.ts";

// Before anything large is loaded: an agent that idles for months should hold little memory, and what loading adds to
// the space for young objects would stay.
if (process.argv[2] === "agent") setFlagsFromString("--semi-space-growth-factor=1");

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // Who asks twice does not want to wait for a clean end.
    if (interruption.signal.aborted) process.exit(exitCodes.interrupted);
    interruption.abort();
  });
}
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The reader has read enough, as in `selvedge job list | head`.
  if (error.code === "EPIPE") process.exit(exitCodes.ok);
  throw error;
});

// Logs may go to a disk that is full: a service does its work all the same.
process.stderr.on("error", () => {});

const { runProgram } = await import("./program.ts");
const exitCode = await runProgram(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  command: commandAsTyped(process.env),
  workingFolder: process.cwd(),
  homeFolder: homedir(),
  hostname: hostname(),
  isRoot: process.getuid?.() === 0,
  interrupted: interruption.signal,
  now: Date.now,
});
// A service that had to end has said so already, and then ends as it does when asked to.
if (exitCode !== exitCodes.ok) process.exitCode = exitCode;
