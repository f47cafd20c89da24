import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOperatorToken, parseOperatorToken } from "./operator-token.ts";

const token = { rootPin: new Uint8Array(32).fill(7), id: "abcd1234", secret: new Uint8Array(32).fill(9) };

test("[OR2] an operator token carries the root's whole pin, and is not taken for a join token", () => {
  const text = formatOperatorToken(token);
  assert.match(text, /^svo1\.[\w-]{43}\.abcd1234\.[\w-]{43}$/);
  assert.deepEqual(parseOperatorToken(`${text}\n`), token);
  for (const wrong of [text.replace("svo1", "svj1"), "svo1.secret", text.replace(/\.[\w-]{43}\./, ".x.")]) {
    assert.throws(() => parseOperatorToken(wrong), {
      code: "invalid_argument",
      message: /not an operator token/,
      fix: /selvedge operator create/,
    });
  }
  assert.throws(() => parseOperatorToken(text.replace("svo1", "svo2")), { code: "unsupported" });
});
