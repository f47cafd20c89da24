import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { SelvedgeError } from "@selvedge/protocol";
import { createTerminal, now } from "../terminal.fixture.ts";
import { createLog } from "./log.ts";

test("a person gets lines of words", () => {
  const { terminal, written } = createTerminal({ isTTY: true });
  const log = createLog(terminal, { logLevel: "info" });
  log.info({ device: "kitchen\u001b[2J", rounds: [1] }, "device online");
  log.error({ err: new SelvedgeError("unavailable", "no route") }, "work failed");
  log.warn({ retryAtMs: now + 61_000 }, "refused");
  log.debug("not shown");
  assert.equal(
    stripVTControlCharacters(written().stderr),
    "12:00:00 info  device online  device=kitchen?[2J  rounds=[1]\n12:00:00 error work failed  no route\n" +
      "12:00:00 warn  refused  retryAt=2026-11-24T12:01:01Z\n",
  );
});

test("everything else gets JSON lines", () => {
  const { terminal, written } = createTerminal();
  createLog(terminal, { logLevel: "debug" }).debug({ device: "kitchen" }, "seen");
  const { level, time, device, msg } = JSON.parse(written().stderr);
  assert.deepEqual({ level, time, device, msg }, { level: 20, time: now, device: "kitchen", msg: "seen" });
});
