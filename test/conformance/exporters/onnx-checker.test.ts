import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { evaluationGraph, type OptimizerName, parseModel, trainingGraph } from "@selvedge/onnx";
import { runChild } from "../../../scripts/child.ts";
import { temporaryFolder } from "../../../scripts/temporary-folder.ts";
import { exportedModels } from "./exported-models.fixture.ts";
import { inputFormat, readReference } from "./reference.fixture.ts";

// A Python with the packages of requirements.txt; .ci/run makes one.
const python = process.env.SELVEDGE_ONNX_PYTHON;
const skip = python === undefined && "SELVEDGE_ONNX_PYTHON names no Python that has onnx";
const optimizers: readonly OptimizerName[] = ["sgd", "adam", "adamw", "rmsprop", "adagrad"];

describe("onnx.checker accepts the graphs that we make", { skip }, () => {
  for (const { name, file, reference } of exportedModels()) {
    test(name, async () => {
      using folder = temporaryFolder("onnx-checker");
      const model = parseModel(await readFile(file));
      const training = await readReference(reference);
      const format = { ...inputFormat(training), loss: training.loss };
      await writeFile(join(folder.path, "evaluation.onnx"), evaluationGraph(model, format).bytes);
      for (const optimizer of optimizers) {
        const { bytes } = trainingGraph(model, { ...format, optimizer });
        await writeFile(join(folder.path, `${optimizer}.onnx`), bytes);
      }
      const { code, output } = await runChild(python ?? "", ["-c", check, folder.path], {
        cwd: import.meta.dirname,
        timeoutMs: 120_000,
      });
      assert.equal(code, 0, output);
    });
  }
});

/** Also infers all shapes, strictly, and looks for operators that are not the standard's. */
const check = `
import pathlib, sys, onnx

def nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from nodes(attribute.g)

for path in pathlib.Path(sys.argv[1]).iterdir():
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    assert {opset.domain for opset in model.opset_import} == {""}, path
    assert {node.domain for node in nodes(model.graph)} == {""}, path
`;
