import assert from "node:assert/strict";
import { test } from "node:test";
import { createCallLimits } from "./call-limits.ts";

const enrol = "selvedge.v1.EnrolmentService/Enrol";

test("[OR6] who asks for a certificate is limited by address, nobody else is", () => {
  let nowMs = 0;
  const limits = createCallLimits(() => nowMs);
  for (let call = 0; call < 1_000; call += 1) limits.admit(enrol, "192.0.2.1");
  assert.throws(() => limits.admit("selvedge.v1.EnrolmentService/Challenge", "192.0.2.1"), {
    code: "resource_exhausted",
    retryAfterMs: 10,
    fix: "try again in 1 s",
  });
  assert.throws(() => limits.admit("selvedge.v1.RenewalService/RenewExpired", "192.0.2.1"));
  limits.admit(enrol, "192.0.2.2");
  for (let call = 0; call < 5_000; call += 1) limits.admit("selvedge.v1.SessionService/Connect", "192.0.2.1");
  nowMs += 10;
  limits.admit(enrol, "192.0.2.1");
});

test("[OR6] who asks for a certificate is limited in all", () => {
  const limits = createCallLimits(() => 0);
  for (let call = 0; call < 4_000; call += 1) limits.admit(enrol, `192.0.2.${call % 8}`);
  assert.throws(() => limits.admit(enrol, "198.51.100.1"), { code: "resource_exhausted" });
});

test("[OR5] wrong tokens are limited in all", () => {
  const limits = createCallLimits(() => 0);
  for (let call = 0; call < 1_000; call += 1) limits.countWrongToken("healthz", `192.0.2.${call % 100}`);
  assert.throws(() => limits.countWrongToken("healthz", "198.51.100.1"), { retryAfterMs: 100 });
});

test("[OR5] wrong tokens are limited by address", () => {
  const limits = createCallLimits(() => 0);
  for (let call = 0; call < 20; call += 1) limits.countWrongToken("healthz", "192.0.2.1");
  assert.throws(() => limits.countWrongToken("healthz", "192.0.2.1"), {
    code: "resource_exhausted",
    retryAfterMs: 6_000,
  });
  limits.countWrongToken("healthz", "192.0.2.2");
});
