import { basename } from "node:path";
import { codesOf, limits, SelvedgeError, type TextSchema } from "@selvedge/protocol";
import type { Dataset, DatasetReading, Targets, TextSource } from "./dataset.ts";
import type { DatasetAdapter } from "./dataset-adapter.ts";
import { openDatasetFile } from "./open-dataset-file.ts";
import { readDatasetFile } from "./read-dataset-file.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A text that is cut into windows of characters, to learn what comes next. */
export const textAdapter: DatasetAdapter<TextSource> = {
  async describe({ path }) {
    await using _ = await openDatasetFile(path);
    return { kind: "text" };
  },

  async open(source, reading) {
    return readText(await readDatasetFile(source.path), source, reading);
  },
};

/** The same, for bytes that are already at hand. */
export function readText(bytes: Uint8Array, { path, name }: TextSource, reading: DatasetReading): Dataset {
  const { text, target } = reading;
  if (text === null || target.kind !== "class") {
    throw new SelvedgeError("failed_precondition", "this is a text, and the plan reads none", {
      at: path,
      fix: "give the job `dataset.text`",
    });
  }
  const codes = encode(decodeUtf8(bytes, path), text);
  const length = windowsOf(codes.length, text, path);
  const inputs = windows(codes, text, length, 0, text.steps);
  const isEach = target.shape.length > 0;
  const next = isEach
    ? windows(codes, text, length, 1, text.steps)
    : windows(codes, text, length, text.steps, 1);
  const targets: Targets = {
    kind: "class",
    classes: target.classes,
    shape: target.shape,
    values: Int32Array.from(next),
  };
  return { name: name ?? basename(path), length, inputShape: [text.steps], inputs, scale: 1, targets };
}

/** One code for each code point. */
function encode(text: string, schema: TextSchema): Uint8Array | Float32Array {
  const codes = new Map(schema.vocabulary.map((character, code) => [character, code]));
  const other = schema.vocabulary.length;
  // No more code points than UTF-16 units.
  const encoded = codesOf(schema) <= 256 ? new Uint8Array(text.length) : new Float32Array(text.length);
  let length = 0;
  for (const character of text) {
    encoded[length] = codes.get(character) ?? other;
    length += 1;
  }
  return encoded.subarray(0, length);
}

/** How many windows there are that have a next character. */
function windowsOf(characters: number, { steps, stride }: TextSchema, path: string): number {
  const length = Math.floor((characters - steps - 1) / stride) + 1;
  if (length < 1) {
    throw new SelvedgeError(
      "corrupt",
      `the text has ${characters} characters; an example takes ${steps} and the next one`,
      {
        at: path,
      },
    );
  }
  if (length * steps <= limits.datasetValuesMax) return length;
  throw new SelvedgeError("too_large", `more than ${limits.datasetValuesMax} characters in all examples`, {
    at: path,
    fix: "split the text, or begin examples further apart",
  });
}

/** [length, size]: of each window `size` codes from `offset` on. */
function windows(
  codes: Uint8Array | Float32Array,
  { stride }: TextSchema,
  length: number,
  offset: number,
  size: number,
): Uint8Array | Float32Array {
  const all = codes instanceof Uint8Array ? new Uint8Array(length * size) : new Float32Array(length * size);
  for (let window = 0; window < length; window += 1) {
    const start = window * stride + offset;
    all.set(codes.subarray(start, start + size), window * size);
  }
  return all;
}
