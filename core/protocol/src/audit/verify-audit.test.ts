import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type AuditHead,
  auditLimits,
  emptyAuditHead,
  hashOfAuditLine,
  nextAuditLine,
} from "./audit-record.ts";
import { AuditVerifier } from "./verify-audit.ts";

const entry = { actor: "operator:ada", action: "revoke-device", subject: "kitchen", detail: { count: 1 } };

function logOf(length: number): { lines: string[]; head: AuditHead } {
  const lines: string[] = [];
  let head = emptyAuditHead;
  for (let index = 0; index < length; index += 1) {
    const next = nextAuditLine(head, { ...entry, subject: `device ${index}` }, index);
    lines.push(next.line);
    head = next.head;
  }
  return { lines, head };
}

function verify(lines: readonly string[], remembered?: AuditHead): AuditHead {
  const verifier = new AuditVerifier(remembered);
  for (const line of lines) verifier.take(line);
  return verifier.end();
}

test("[AU1] each record is a line of JSON that names the SHA-256 of the line before", () => {
  const { lines, head } = logOf(3);
  const [first = "", second = "", third = ""] = lines;
  assert.equal(
    first,
    `{"sequence":1,"time":"1970-01-01T00:00:00.000Z","actor":"operator:ada","action":"revoke-device",` +
      `"subject":"device 0","detail":{"count":1},"previous":"${"0".repeat(64)}"}`,
  );
  assert.equal(JSON.parse(second).previous, hashOfAuditLine(first));
  assert.deepEqual(head, { sequence: 3, hash: hashOfAuditLine(third) });
  assert.deepEqual(verify(lines), head);
  assert.deepEqual(verify([]), emptyAuditHead);
});

test("[AU2] a record that was changed, taken out, moved or put in is found, and named", () => {
  const { lines } = logOf(5);
  const without = (index: number) => lines.toSpliced(index, 1);
  const changed = lines.with(2, (lines[2] ?? "").replace("device 2", "device 9"));
  assert.throws(() => verify(changed), { code: "corrupt", at: "audit record 4", message: /was changed/ });
  assert.throws(() => verify(without(0)), { code: "corrupt", at: "audit record 1" });
  assert.throws(() => verify(without(2)), { code: "corrupt", at: "audit record 3" });
  const moved = lines.with(1, lines[2] ?? "").with(2, lines[1] ?? "");
  assert.throws(() => verify(moved), { code: "corrupt", at: "audit record 2" });
  assert.throws(() => verify(lines.toSpliced(2, 0, lines[1] ?? "")), { at: "audit record 3" });
  for (const line of ["", "{", "null", "[]", '{"sequence":1}', `"${"x".repeat(40_000)}"`]) {
    assert.throws(() => verify([line]), { code: "corrupt", at: "audit record 1" }, line.slice(0, 20));
  }
});

test("[AU2] any one edit anywhere but in the last record is found, and there by a remembered head", () => {
  const { lines, head } = logOf(8);
  fc.assert(
    fc.property(fc.nat(7), fc.nat(300), fc.constantFrom("x", "0", '"'), (index, at, put) => {
      const line = lines[index] ?? "";
      const edited = line.slice(0, at % line.length) + put + line.slice((at % line.length) + 1);
      if (edited === line) return;
      assert.throws(() => verify(lines.with(index, edited), head), { code: "corrupt" });
    }),
  );
});

test("[AU3] a log that was cut short, or rewritten whole, does not contain the head that was remembered", () => {
  const { lines, head } = logOf(5);
  assert.deepEqual(verify(lines, head), head);
  assert.deepEqual(verify(lines, logOf(2).head), head);
  assert.throws(() => verify(lines.slice(0, 4), head), { code: "corrupt", message: /cut short/ });
  assert.throws(() => verify([], head), { code: "corrupt", message: /cut short/ });
  let other = emptyAuditHead;
  const rewritten = lines.map((_, index) => {
    const next = nextAuditLine(other, { ...entry, subject: "nobody" }, index);
    other = next.head;
    return next.line;
  });
  verify(rewritten);
  assert.throws(() => verify(rewritten, head), {
    code: "corrupt",
    message: /not the one that was remembered/,
  });
});

test("[AU1] fields are cut to their limits, whatever a caller puts in", () => {
  const long = "\u{1f600}".repeat(5_000);
  const detail = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}${long}`, long]));
  const { line } = nextAuditLine(emptyAuditHead, { actor: long, action: long, subject: long, detail }, 0);
  assert.ok(line.length <= auditLimits.lineBytes);
  assert.equal(line, line.toWellFormed());
  assert.equal(new AuditVerifier().take(line).actor.length, auditLimits.actor);
});
