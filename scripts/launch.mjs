#!/usr/bin/env node
// Installs what is missing, chooses a Node that can run the sources, and becomes it.
//
//   node scripts/launch.mjs <selvedge arguments…>
//   node scripts/launch.mjs --script scripts/check.ts <arguments…>
//
// Plain JavaScript on purpose: this file runs on Node 20 in a fresh clone, before anything is installed.
// It writes only to stderr, so that the stdout of what it starts stays clean.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeSync } from "node:fs";
import { connect, createServer } from "node:net";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const MIN_NODE = [24, 15];

await installOnce();
become(chooseRuntime(), ["--disable-warning=ExperimentalWarning", ...entryAndArguments()]);

function entryAndArguments() {
  const args = process.argv.slice(2);
  if (args[0] !== "--script") return [join(root, "apps/cli/src/main.ts"), ...args];
  if (args[1] === undefined)
    fail("--script needs a file.", "Pass one, for example --script scripts/check.ts.");
  return [resolve(root, args[1]), ...args.slice(2)];
}

/** Installs unless node_modules is what package-lock.json asks for; launches started together install once. */
async function installOnce() {
  while (!isInstalled()) {
    const lock = await holdInstallLock();
    if (lock === undefined) continue;
    try {
      if (!isInstalled()) await npmCi();
      if (!isInstalled()) {
        fail(
          "npm ci finished, and node_modules still differs from package-lock.json.",
          "Run npm ci by hand.",
        );
      }
    } finally {
      lock.release();
    }
  }
}

/** npm writes node_modules/.package-lock.json last, so it says both what was installed and that it finished. */
function isInstalled() {
  const wanted = readPackages(join(root, "package-lock.json"));
  if (wanted === undefined) fail("package-lock.json is missing.", "Restore it from git.");
  const present = readPackages(join(root, "node_modules/.package-lock.json"));
  if (present === undefined) return false;
  return Object.entries(wanted).every(([path, want]) => {
    if (!path.startsWith("node_modules/")) return true;
    const have = present[path];
    if (have === undefined) return want.optional === true;
    if (want.link === true) return have.resolved === want.resolved;
    return have.version === want.version && have.integrity === want.integrity;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/**
 * An abstract Unix socket (Linux) is the lock: the kernel drops it with its holder, whatever kills that, so it
 * is never stale. Resolves to undefined once another holder has let go. Where there are no such sockets, it
 * installs without a lock.
 */
function holdInstallLock() {
  const unlocked = { release() {} };
  if (process.platform !== "linux") return Promise.resolve(unlocked);
  const name = createHash("sha256").update(root).digest("hex").slice(0, 16);
  const path = `\0selvedge-install-${process.getuid()}-${name}`;
  return new Promise((done) => {
    const waiting = new Set();
    const server = createServer((socket) => waiting.add(socket.on("error", () => {})));
    server.once("error", (error) => {
      if (error.code !== "EADDRINUSE") return done(unlocked);
      say("another launch is installing; waiting for it.");
      connect(path)
        .on("error", () => {})
        .once("close", () => done(undefined));
    });
    server.listen(path, () => {
      done({
        release() {
          server.close();
          for (const socket of waiting) socket.destroy();
        },
      });
    });
  });
}

async function npmCi() {
  say("installing dependencies (npm ci)…");
  // npm must not run from the node_modules that it is about to replace.
  const path = (process.env.PATH ?? "")
    .split(":")
    .filter((folder) => !folder.startsWith(join(root, "node_modules")));
  const args = [
    "ci",
    "--include=dev",
    "--include=optional",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
  ];
  const npm = spawn("npm", args, {
    cwd: root,
    env: { ...process.env, PATH: path.join(":") },
    stdio: ["ignore", 2, 2],
  });
  const outcome = await new Promise((done) => {
    npm.once("error", (error) => done(error.code === "ENOENT" ? "npm was not found on PATH" : error.message));
    npm.once("exit", (code, signal) =>
      done(code === 0 ? undefined : `npm ci ended with ${signal ?? `code ${code}`}`),
    );
  });
  if (outcome !== undefined) {
    fail(
      `the dependencies could not be installed in ${root}: ${outcome}.`,
      "npm >= 10 and a reachable npm registry are needed once; npm's own message stands above.",
    );
  }
}

function chooseRuntime() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return process.execPath;
  const wanted = `Node ${MIN_NODE.join(".")} or newer is needed and this is ${process.versions.node}`;
  process.report.excludeNetwork = true;
  if (process.report.getReport().header.glibcVersionRuntime === undefined) {
    fail(
      `${wanted}; the Node that comes with Selvedge needs glibc.`,
      "Install one (Alpine: apk add nodejs npm).",
    );
  }
  const bundled = join(root, `node_modules/node-${process.platform}-${process.arch}/bin/node`);
  if (!existsSync(bundled)) {
    fail(
      `${wanted}; Selvedge brings one along for Linux on x64 and arm64 only, not ${process.platform} ${process.arch}.`,
      "Install one from https://nodejs.org and start again.",
    );
  }
  return bundled;
}

/** Replaces this process where Node can (22.15 on); else runs a child and passes on signals and its ending. */
function become(runtime, args) {
  // Keeps what Node makes of the sources, which halves the next start. It goes with node_modules.
  const env = { NODE_COMPILE_CACHE: join(root, "node_modules/.cache/compile"), ...process.env };
  if (process.execve !== undefined) process.execve(runtime, [runtime, ...args], env);
  const child = spawn(runtime, args, { stdio: "inherit", env });
  child.once("error", (error) =>
    fail(`${runtime} did not start: ${error.message}.`, "Remove node_modules and start again."),
  );
  // A terminal sends Ctrl-C to the child as well: passing it on would make it two.
  const shared = process.stdin.isTTY ? ["SIGINT"] : [];
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => shared.includes(signal) || child.kill(signal));
  }
  child.once("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // Signals that Node ignores for itself (SIGPIPE) do not end this process: end as a shell reports them.
    setImmediate(() => process.exit(128 + constants.signals[signal]));
  });
}

function say(message) {
  writeSync(2, `selvedge: ${message}\n`);
}

function fail(message, fix) {
  say(`${message} ${fix}`);
  process.exit(69);
}
