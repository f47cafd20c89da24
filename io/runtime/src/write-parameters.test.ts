import assert from "node:assert/strict";
import { test } from "node:test";
import { parameterLayout, parseModel, writeParameters } from "@selvedge/onnx";
import { oddFile, oddFileParameters, storageForms } from "@selvedge/onnx/odd-file.fixture";
import { NativeSession } from "./native-session.ts";

test("the runtime takes a file with other parameters, however it stores them, and answers with those", async () => {
  for (const weight of storageForms) {
    for (const bias of storageForms) {
      const form = { weight, bias, isReversed: true, isSplit: true, unknown: Uint8Array.of(1, 2, 3) };
      const before = oddFile(form, new Float32Array(oddFileParameters));
      const after = Float32Array.of(1, 2, 3, 4, 5, 6, 0.5, 0.25, 0.125);
      const session = await NativeSession.load(
        writeParameters(before, parameterLayout(parseModel(before)), after),
      );
      const { y } = await session.run({ x: { type: "float32", dims: [1, 2], data: Float32Array.of(1, 10) } });
      assert.deepEqual(y?.data, Float32Array.of(41.5, 52.25, 63.125), `${weight}, ${bias}`);
      await session.release();
    }
  }
});
