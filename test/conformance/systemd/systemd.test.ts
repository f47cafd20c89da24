import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../../scripts/testing/groups.ts";

const units = ["selvedge-coordinator", "selvedge-agent"] as const;
const unitFile = (unit: string): string => join(root, "deploy/systemd", `${unit}.service`);
const has = (program: string): boolean => spawnSync("which", [program]).status === 0;

for (const unit of units) {
  test(`${unit}: systemd rates its exposure at most 3.0`, {
    skip: !has("systemd-analyze") && "systemd-analyze is not installed (Debian package systemd)",
  }, () => {
    const args = ["security", "--offline=true", "--threshold=30", unitFile(unit)];
    const { status, stdout } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    assert.match(stdout, /Overall exposure level/);
    assert.equal(status, 0, stdout.trim().split("\n").at(-1));
  });
}

/** Real systemd as process 1, over this machine's own files; what it writes goes with it. */
test("under systemd the services start, are watched, come back when they hang, and stop well", {
  skip: whyNot(),
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-systemd-"));
  const machine = join(folder, "machine");
  const result = join(folder, "result");
  mkdirSync(machine);
  mkdirSync(result);
  writeFileSync(join(folder, "test.service"), testUnit);
  // systemd-nspawn refuses "/" itself, but not the same files elsewhere.
  spawnSync("mount", ["--bind", "/", machine]);
  try {
    const { stdout } = spawnSync("systemd-nspawn", containerOf(folder, machine, result), {
      encoding: "utf8",
      timeout: 240_000,
      killSignal: "SIGKILL",
    });
    const log = (): string =>
      `${stdout}\n${existsSync(join(result, "log")) ? readFileSync(join(result, "log"), "utf8") : ""}`;
    assert.ok(existsSync(join(result, "states")), log());
    assert.deepEqual(
      readFileSync(join(result, "states"), "utf8").trimEnd().split("\n"),
      [
        "selvedge-coordinator active all watchdog=1min",
        "selvedge-agent active all watchdog=1min",
        "alive same",
        "hung restarted success",
        "selvedge-coordinator stopped success 0",
        "selvedge-agent stopped success 0",
      ],
      log(),
    );
  } finally {
    spawnSync("umount", [machine]);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
});

function containerOf(folder: string, machine: string, result: string): string[] {
  return [
    "--quiet",
    `--directory=${machine}`,
    "--volatile=overlay",
    "--private-network",
    "--register=no",
    "--keep-unit",
    "--boot",
    `--bind-ro=${root}:/opt/selvedge`,
    `--bind=${result}:/mnt/result`,
    ...units.map((unit) => `--bind-ro=${unitFile(unit)}:/etc/systemd/system/${unit}.service`),
    `--bind-ro=${join(folder, "test.service")}:/etc/systemd/system/selvedge-test.service`,
    // Nothing else that is installed here starts.
    "--",
    "--unit=selvedge-test.service",
  ];
}

const testUnit: string = `[Unit]
After=basic.target
Requires=basic.target
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/bin/bash /opt/selvedge/test/conformance/systemd/in-container.sh
TimeoutStartSec=220
`;

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return "only root can boot a container";
  if (!has("systemd-nspawn")) return "systemd-nspawn is not installed (Debian package systemd-container)";
  return false;
}
