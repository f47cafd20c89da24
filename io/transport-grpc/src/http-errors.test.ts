import assert from "node:assert/strict";
import { test } from "node:test";
import { culprits, isErrorCode, SelvedgeError } from "@selvedge/protocol";
import { fromHttpError, httpError } from "./http-errors.ts";

test("[SE9] every code crosses plain HTTP as itself, with message, place, fix and wait", () => {
  for (const code of Object.keys(culprits).filter(isErrorCode)) {
    const sent = new SelvedgeError(code, "what", { at: "where", fix: "how", retryAfterMs: 2_000 });
    const { status, headers, body } = httpError(sent);
    assert.ok(body instanceof Uint8Array);
    const received = fromHttpError(status, headers, Buffer.from(body).toString(), "here");
    const { message, at, fix, retryAfterMs } = received;
    assert.deepEqual([received.code, message, at, fix, retryAfterMs], [code, "what", "where", "how", 2_000]);
  }
});

test("[SE9] what is not ours crosses plain HTTP without its words", () => {
  const { status, body } = httpError(new Error("/var/lib/secret"));
  assert.equal(status, 500);
  assert.ok(body instanceof Uint8Array);
  assert.doesNotMatch(Buffer.from(body).toString(), /secret/);
});

for (const [status, body, code] of [
  [404, "<html>not here</html>", "not_found"],
  [503, "", "unavailable"],
  [502, "null", "unavailable"],
  [418, '{"code":"teapot"}', "failed_precondition"],
  [400, '{"code":7,"message":{}}', "invalid_argument"],
] as const) {
  test(`an answer ${status} from other software is ${code}`, () => {
    const error = fromHttpError(status, {}, body, "https://host");
    assert.deepEqual([error.code, error.at], [code, "https://host"]);
  });
}
