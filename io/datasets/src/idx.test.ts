import assert from "node:assert/strict";
import { test } from "node:test";
import { limits, SelvedgeError } from "@selvedge/protocol";
import { encodeIdx, parseIdx } from "./idx.ts";

const twoImages = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40);

test("parseIdx reads shape and values of a 3-dimensional file", () => {
  const { shape, values } = parseIdx(twoImages, "images");
  assert.deepEqual(shape, [2, 1, 2]);
  assert.deepEqual([...values], [10, 20, 30, 40]);
});

test("parseIdx does not depend on where the bytes lie in their buffer", () => {
  const padded = new Uint8Array(twoImages.length + 3);
  padded.set(twoImages, 3);
  assert.deepEqual(parseIdx(padded.subarray(3), "images").shape, [2, 1, 2]);
});

test("encodeIdx gives the bytes of the format", () => {
  assert.deepEqual(encodeIdx({ shape: [2, 1, 2], values: Uint8Array.of(10, 20, 30, 40) }), twoImages);
});

test("encodeIdx refuses a shape that does not describe the values", () => {
  for (const shape of [[3], [], [2, 0], [1.5], [-4, -1], new Array<number>(9).fill(1)]) {
    refuses(
      () => encodeIdx({ shape, values: new Uint8Array(4) }),
      "invalid_argument",
      /does not describe 4 values/,
    );
  }
});

test("parseIdx names file and field of what is wrong in a header", () => {
  const cases: [name: string, bytes: number[], code: string, at: RegExp, message: RegExp][] = [
    ["empty", [], "corrupt", /^f: magic number$/, /not an IDX file/],
    ["three bytes", [0, 0, 8], "corrupt", /magic number/, /not an IDX file/],
    ["no zero bytes", [0x50, 0x4b, 8, 1], "corrupt", /magic number/, /not an IDX file/],
    ["gzip", [0x1f, 0x8b, 8, 0], "unsupported", /magic number/, /gzip/],
    ["float type", [0, 0, 0x0d, 1], "unsupported", /^f: type$/, /0x0d/],
    ["no dimensions", [0, 0, 8, 0], "corrupt", /^f: number of dimensions$/, /^0 dimensions/],
    ["too many dimensions", [0, 0, 8, 9], "corrupt", /^f: number of dimensions$/, /^9 dimensions/],
    ["header cut", [0, 0, 8, 2, 0, 0, 0, 1], "corrupt", /^f: dimensions$/, /need 12 bytes, the file has 8/],
    [
      "data cut",
      [0, 0, 8, 1, 0, 0, 0, 3, 1, 2],
      "corrupt",
      /^f: dimensions$/,
      /need 3 values, the file has 2/,
    ],
    [
      "data added",
      [0, 0, 8, 1, 0, 0, 0, 1, 1, 2],
      "corrupt",
      /^f: dimensions$/,
      /need 1 values, the file has 2/,
    ],
    ["empty rows", [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 0], "corrupt", /^f: dimensions$/, /dimension 1 is 0/],
  ];
  for (const [name, bytes, code, at, message] of cases) {
    refuses(() => parseIdx(Uint8Array.from(bytes), "f"), code, message, at, name);
  }
});

test("parseIdx refuses dimensions above the limit before it looks at the values", () => {
  const huge = Uint8Array.of(0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255);
  refuses(() => parseIdx(huge, "f"), "too_large", new RegExp(String(limits.datasetFileBytesMax)));
});

test("parseIdx takes a file of no examples", () => {
  assert.deepEqual(parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 0), "f").shape, [0]);
});

function refuses(run: () => unknown, code: string, message: RegExp, at = /./, name = ""): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof SelvedgeError, name);
    assert.equal(error.code, code, name);
    assert.match(error.message, message, name);
    assert.match(error.at ?? "", at, name);
    return true;
  });
}
