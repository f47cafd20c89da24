import assert from "node:assert/strict";
import { test } from "node:test";
import { isLost, postgresError } from "./postgres-error.ts";

test("SQLSTATEs and broken connections become ours", () => {
  const codes = [
    ["25006", "permission_denied", false],
    ["28P01", "permission_denied", false],
    ["3D000", "not_found", false],
    ["53100", "resource_exhausted", false],
    ["53300", "resource_exhausted", false],
    ["57P01", "unavailable", true],
    ["57P03", "unavailable", true],
    ["08006", "unavailable", true],
    ["58030", "unavailable", false],
    ["XX001", "corrupt", false],
    ["42P01", "internal", false],
  ] as const;
  for (const [code, ours, lost] of codes) {
    const thrown = Object.assign(new Error("x"), { code, severity: "ERROR" });
    assert.deepEqual([postgresError(thrown, "n").code, isLost(thrown)], [ours, lost], code);
  }
  const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  assert.deepEqual([postgresError(refused, "n").code, isLost(refused)], ["unavailable", true]);
  assert.match(postgresError(refused, "n").message, /ECONNREFUSED/);
});
