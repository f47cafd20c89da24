import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { evaluationGraph } from "./evaluation-graph.ts";
import type { OnnxModel } from "./model.ts";
import { floats, integers, type ModelParts, modelOf, node, value } from "./models.fixture.ts";
import { options, weight } from "./training-graph.fixture.ts";
import { trainingGraph } from "./training-graph.ts";

test("what cannot be trained is refused, naming node and operator and saying what would work", () => {
  const refused: readonly [Partial<ModelParts>, RegExp, string | undefined][] = [
    [
      { nodes: [node("MatMul", ["x", "w"], "h"), node("Det", ["h"], "y")] },
      /no gradient rule for the operator Det/,
      'node "y/Det" (Det)',
    ],
    [
      { nodes: [node("Gemm", ["x", "w"], "y", { broken: ["int", 1] })] },
      /attribute "broken"/,
      'node "y/Gemm" (Gemm)',
    ],
    [{ nodes: [node("Gemm", ["x"], "y")] }, /1 inputs/, 'node "y/Gemm" (Gemm)'],
    [
      { nodes: [node("Gemm", ["x", "w"], "y", { transB: ["int", 1] })] },
      /inner dimensions differ: \[batch, 6\] and \[6, 3\]/,
      'node "y/Gemm" (Gemm)',
    ],
    [
      { nodes: [node("Reshape", ["x", "shape"], "r"), node("MatMul", ["r", "w"], "y")] },
      /\[batch, 6\] cannot become \[1, 6\]/,
      'node "r/Reshape" (Reshape)',
    ],
    [
      { nodes: [node("Reshape", ["x", "twice"], "r"), node("MatMul", ["r", "w"], "y")] },
      /\[batch, 6\] cannot become \[-1, -1\]/,
      'node "r/Reshape" (Reshape)',
    ],
    [
      { nodes: [node("Flatten", ["x"], "h", { axis: ["int", 3] }), node("MatMul", ["h", "w"], "y")] },
      /no axis 3 among 2/,
      'node "h/Flatten" (Flatten)',
    ],
    [{ inputs: [value("x", [1, 6])] }, /batch dimension is fixed: \[1, 6\]/, 'input "x"'],
    [{ inputs: [value("x", ["batch", "width"])] }, /fixed size/, 'input "x"'],
    [{ inputs: [value("x", ["batch", 6], "bool")] }, /bool/, 'input "x"'],
    [
      { inputs: [value("x", ["batch", 6], "int64")] },
      /float32 and int64|int64 and float32/,
      'node "y/MatMul" (MatMul)',
    ],
    [
      {
        inputs: [value("x", ["batch", 6]), value("z", ["batch", 6])],
        nodes: [node("Add", ["x", "z"], "h"), node("MatMul", ["h", "w"], "y")],
      },
      /depends on 2 inputs/,
      undefined,
    ],
    [{ outputs: [value("y", ["batch", 3]), value("x", ["batch", 6])] }, /2 outputs of float32/, undefined],
    [{ outputs: [{ name: "y" }] }, /no output of float32/, undefined],
    [
      { nodes: [node("Flatten", ["x"], "y", { axis: ["int", 0] })] },
      /not float32 of a fixed size per example/,
      undefined,
    ],
    [{ opset: 11 }, /operator set 11/, undefined],
    // Found by fuzzing: an output of a node that its operator does not have.
    [
      { nodes: [{ ...node("MatMul", ["x", "w"], "h"), output: ["h", "y"] }] },
      /gives no such value/,
      'output "y"',
    ],
  ];
  for (const [parts, pattern, at] of refused) {
    const model = modelOf({
      nodes: [node("MatMul", ["x", "w"], "y")],
      initializers: [weight, integers("shape", [1, 6]), integers("twice", [-1, -1])],
      ...parts,
    });
    for (const compile of [trainingGraph, evaluationGraph]) {
      assert.throws(() => compile(model, options), refusal(pattern, at));
    }
  }
});

test("what only the run knows, or the standard does not have, is refused and not guessed", () => {
  const whole = [
    node("ReduceSum", ["x"], "sum", { keepdims: ["int", 0] }),
    node("Cast", ["sum"], "unknown", { to: ["int", 7] }),
  ];
  const refused: readonly [ModelParts["nodes"], RegExp, string][] = [
    [[...whole, node("Trilu", ["x", "unknown"], "h")], /diagonal must be constant/, 'node "h/Trilu" (Trilu)'],
    [
      [node("LpNormalization", ["x"], "h", { p: ["int", 3] })],
      /norm 3/,
      'node "h/LpNormalization" (LpNormalization)',
    ],
    [[node("Gelu", ["x"], "h", { approximate: ["string", "sigmoid"] })], /"sigmoid"/, 'node "h/Gelu" (Gelu)'],
  ];
  for (const [nodes, pattern, at] of refused) {
    const model = modelOf({
      inputs: [value("x", ["batch", 6, 6])],
      nodes: [
        ...nodes,
        node("ReduceSum", ["h", "one"], "s", { keepdims: ["int", 0] }),
        node("MatMul", ["s", "w"], "y"),
      ],
      initializers: [weight, integers("one", [1])],
    });
    assert.throws(() => trainingGraph(model, options), refusal(pattern, at));
  }
});

test("sizes that no machine has are refused or counted, and nothing of them is made", () => {
  const huge = 2 ** 40;
  const image = (nodes: ModelParts["nodes"]): OnnxModel =>
    modelOf({
      inputs: [value("x", ["batch", 16, huge, 4])],
      nodes: [...nodes, node("GlobalAveragePool", ["z"], "g"), node("Flatten", ["g"], "y")],
      initializers: [floats("k", [16, 16, 1, 1], Array(256).fill(0))],
    });
  const pooling = { kernel_shape: ["ints", [2, 2]], strides: ["ints", [2, 2]] } as const;
  for (const nodes of [
    [node("Conv", ["x", "k"], "z", { strides: ["ints", [2, 1]] })],
    [node("Conv", ["x", "k"], "h"), node("MaxPool", ["h"], "z", pooling)],
  ]) {
    const graph = trainingGraph(image(nodes), options);
    assert.ok(graph.bytes.length < 100_000);
    assert.ok(graph.cost(1).memoryBytes > huge);
  }
  const average = [
    node("Conv", ["x", "k"], "h"),
    node("AveragePool", ["h"], "z", { ...pooling, pads: ["ints", [1, 1, 1, 1]] }),
  ];
  assert.throws(() => trainingGraph(image(average), options), {
    code: "unsupported",
    at: 'node "z/AveragePool" (AveragePool)',
  });
  const split = node("Split", ["h"], "z", { axis: ["int", 2], num_outputs: ["int", huge] });
  assert.throws(() => trainingGraph(image([node("Conv", ["x", "k"], "h"), split]), options), {
    code: "unsupported",
    at: 'node "z/Split" (Split)',
  });
});

function refusal(pattern: RegExp, at: string | undefined): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof SelvedgeError, String(error));
    assert.equal(error.code, "unsupported", error.message);
    assert.match(error.message, pattern);
    assert.equal(error.at, at);
    assert.notEqual(error.fix, undefined);
    return true;
  };
}
