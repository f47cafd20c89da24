import assert from "node:assert/strict";
import { test } from "node:test";
import { coordinatorFolder, deviceFolder } from "./folders.ts";
import { createTerminal } from "./terminal.fixture.ts";

test("an option comes before the variable, and that before the usual place", () => {
  const { terminal } = createTerminal({
    env: { SELVEDGE_STATE: "state", SELVEDGE_FOLDER: "/d" },
    workingFolder: "/w",
  });
  assert.equal(coordinatorFolder(terminal, "here"), "/w/here");
  assert.equal(coordinatorFolder(terminal, undefined), "/w/state");
  assert.equal(deviceFolder(terminal, undefined), "/d");
});

test("the usual place is the system's for root and the user's own for others", () => {
  const { terminal } = createTerminal({ env: { SELVEDGE_STATE: "" } });
  assert.equal(coordinatorFolder(terminal, undefined), "/home/someone/.local/state/selvedge/coordinator");
  assert.equal(deviceFolder({ ...terminal, env: { XDG_STATE_HOME: "/x" } }, undefined), "/x/selvedge/device");
  assert.equal(deviceFolder({ ...terminal, isRoot: true }, undefined), "/var/lib/selvedge/device");
});
