import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { decodeServerOptimizerState, encodeServerOptimizerState } from "./server-optimizer-state-codec.ts";

const first = Float64Array.of(1, 2);
const second = Float64Array.of(3, 4);

test("a state with two moments is read back as it was", () => {
  const state = { step: 7, vectors: { second, first } };
  assert.deepEqual(decodeServerOptimizerState(encodeServerOptimizerState(state)), state);
  const empty = { step: 0, vectors: {} };
  assert.deepEqual(decodeServerOptimizerState(encodeServerOptimizerState(empty)), empty);
});

test("equal states have equal bytes, whatever the order of their vectors", () => {
  assert.deepEqual(
    encodeServerOptimizerState({ step: 7, vectors: { second, first } }),
    encodeServerOptimizerState({ step: 7, vectors: { first, second } }),
  );
});

test("a cut or damaged state is refused", () => {
  const bytes = encodeServerOptimizerState({ step: 7, vectors: { first, second } });
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeServerOptimizerState(bytes.subarray(0, length)), SelvedgeError);
  }
  const text = new TextDecoder("latin1").decode(bytes);
  for (const [from, to] of [
    ["[2,2]", "[2,3]"],
    ["[2,2]", '[2,"]'],
    ["[2,2]", "[2.2]"],
    ['"step":7', '"step":-'],
    ['"step":7', '"stop":7'],
    ['"first"', '"third"'],
  ] as const) {
    const changed = Uint8Array.from(text.replace(from, to), (character) => character.charCodeAt(0));
    assert.notDeepEqual(changed, bytes);
    assert.throws(() => decodeServerOptimizerState(changed), SelvedgeError, `${from} -> ${to}`);
  }
});
