import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseModel } from "./model.ts";
import { type OddFile, oddFile, oddFileParameters, storageForms } from "./odd-file.fixture.ts";
import { parameterLayout, readParameters } from "./parameters.ts";
import { writeParameters } from "./write-parameters.ts";

const oddFiles: fc.Arbitrary<OddFile> = fc.record({
  weight: fc.constantFrom(...storageForms),
  bias: fc.constantFrom(...storageForms),
  isReversed: fc.boolean(),
  isSplit: fc.boolean(),
  unknown: fc.uint8Array({ maxLength: 200 }),
});

const vectors = fc.float32Array({
  minLength: oddFileParameters,
  maxLength: oddFileParameters,
  noNaN: true,
});

test("[RE9] however a file stores its parameters, others replace them and every other byte stays", () => {
  fc.assert(
    fc.property(oddFiles, vectors, vectors, fc.nat(7), (form, before, after, shift) => {
      const file = new Uint8Array(oddFile(form, before).length + shift).subarray(shift);
      file.set(oddFile(form, before));
      const model = parseModel(file);
      const layout = parameterLayout(model);
      assert.deepEqual(readParameters(model, layout), before);
      const written = writeParameters(file, layout, after);
      assert.deepEqual(Buffer.from(written), Buffer.from(oddFile(form, after)));
      assert.deepEqual(Buffer.from(file), Buffer.from(oddFile(form, before)));
    }),
  );
});
