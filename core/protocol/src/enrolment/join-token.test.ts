import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SelvedgeError } from "../errors.ts";
import { formatJoinToken, parseJoinToken } from "./join-token.ts";

const pin = new Uint8Array(32).fill(7);
const secret = new Uint8Array(32).fill(9);
const good = formatJoinToken({ rootPin: pin, id: "abcd1234", secret });
const [, pinText = "", , secretText = ""] = good.split(".");

test("[EN1] a join token survives formatting and parsing", () => {
  const field = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
  fc.assert(
    fc.property(field(32, 32), fc.stringMatching(/^[a-z0-9]{8,32}$/), field(16, 64), (rootPin, id, bytes) => {
      const token = { rootPin, id, secret: bytes };
      assert.deepEqual(parseJoinToken(formatJoinToken(token)), token);
    }),
  );
});

test("[EN1] a join token has one text: svj1, pin, id, secret", () => {
  assert.match(good, /^svj1\.[\w-]{43}\.abcd1234\.[\w-]{43}$/);
  assert.deepEqual(parseJoinToken(`  ${good}\n`).id, "abcd1234");
});

test("[EN1] a pin that is not the whole hash is refused, in a token and when making one", () => {
  for (const bytes of [1, 16, 31, 33]) {
    const shortened = Buffer.alloc(bytes, 7).toString("base64url");
    assertMalformed(`svj1.${shortened}.abcd1234.${secretText}`, new RegExp(`${bytes} bytes, not 32`));
    assert.throws(() => formatJoinToken({ rootPin: Buffer.alloc(bytes), id: "abcd1234", secret }), /not 32/);
  }
});

const malformed: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ["nothing", "", /does not begin/],
  ["another kind of token", "eyJhbGciOiJ.x.y", /does not begin/],
  ["three parts", `svj1.${pinText}.abcd1234`, /four parts/],
  ["five parts", `${good}.x`, /four parts/],
  ["an empty pin", `svj1..abcd1234.${secretText}`, /pin is not base64url/],
  ["base64 instead of base64url", `svj1.${pinText.slice(1)}+.abcd1234.${secretText}`, /pin is not base64url/],
  ["padding", `svj1.${pinText}=.abcd1234.${secretText}`, /pin is not base64url/],
  ["stray trailing bits", `svj1.${pinText.slice(0, -1)}B.abcd1234.${secretText}`, /pin is not base64url/],
  ["an id with capitals", `svj1.${pinText}.ABCD1234.${secretText}`, /id is not/],
  ["a path as id", `svj1.${pinText}.../../etc.${secretText}`, /four parts/],
  ["a short id", `svj1.${pinText}.abc.${secretText}`, /id is not/],
  ["a short secret", `svj1.${pinText}.abcd1234.c2hvcnQ`, /secret has 5 bytes/],
  ["a long secret", `svj1.${pinText}.abcd1234.${"A".repeat(88)}`, /secret has 66 bytes/],
];

for (const [what, text, message] of malformed) {
  test(`a token with ${what} is refused, saying why`, () => assertMalformed(text, message));
}

test("a token of a later version is named as unsupported", () => {
  assert.throws(() => parseJoinToken("svj2.x.y.z"), { code: "unsupported" });
});

test("[EN3] an error never repeats the secret", () => {
  for (const text of [`${good}.x`, `${good}!`, good.replace("svj1", "svj9")]) {
    assert.throws(
      () => parseJoinToken(text),
      (error) =>
        error instanceof SelvedgeError && !JSON.stringify([error.message, error]).includes(secretText),
    );
  }
});

function assertMalformed(text: string, message: RegExp): void {
  assert.throws(() => parseJoinToken(text), { code: "invalid_argument", message });
}
