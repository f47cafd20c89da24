import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { runChild } from "../../../scripts/child.ts";
import { temporaryFolder } from "../../../scripts/temporary-folder.ts";
import { exportedModels } from "./exported-models.fixture.ts";
import { assertParity } from "./parity.fixture.ts";

const python = process.env.SELVEDGE_ONNX_PYTHON;
const skip = python === undefined && "SELVEDGE_ONNX_PYTHON names no Python that has onnx";

describe("a model that onnx.version_converter has put into another operator set trains alike", {
  skip,
}, () => {
  for (const { name, file, reference } of exportedModels()) {
    test(name, async (t) => {
      using folder = temporaryFolder("version-converter");
      const { code, output } = await runChild(python ?? "", ["-c", convert, file, folder.path], {
        cwd: import.meta.dirname,
        timeoutMs: 120_000,
      });
      assert.equal(code, 0, output);
      const converted = globSync(join(folder.path, "*.onnx")).sort();
      t.diagnostic(`operator sets ${converted.map((path) => basename(path, ".onnx")).join(", ")}`);
      assert.notEqual(converted.length, 0, "the converter knows none of its operators");
      for (const path of converted) await assertParity(path, reference);
    });
  }
});

/** Into every operator set from 13 to 23; what the converter cannot do, or does so that the checker refuses it, is left out. */
const convert = `
import pathlib, sys, onnx
from onnx import version_converter

model = onnx.load(sys.argv[1])
for opset in range(13, 24):
    try:
        converted = version_converter.convert_version(model, opset)
        onnx.checker.check_model(converted, full_check=True)
    except Exception:
        continue
    onnx.save(converted, pathlib.Path(sys.argv[2]) / f"{opset}.onnx")
`;
