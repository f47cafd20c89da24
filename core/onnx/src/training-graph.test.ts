import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { evaluationGraph } from "./evaluation-graph.ts";
import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import { type OnnxModel, parseModel } from "./model.ts";
import { constant, floats, integers, type ModelParts, modelOf, node, value } from "./models.fixture.ts";
import { type TrainingGraph, type TrainingOptions, trainingGraph } from "./training-graph.ts";
import { buildCnn, type CnnOptions } from "./zoo/build-cnn.ts";
import { buildMlp } from "./zoo/build-mlp.ts";

const options: TrainingOptions = {
  loss: "softmax-cross-entropy",
  optimizer: "sgd",
  inputType: "uint8",
  scale: 1 / 255,
};
const cnn: CnnOptions = {
  inputShape: [1, 8, 8],
  channels: [4],
  kernel: 3,
  hidden: [5],
  classes: 3,
  seed: 1,
};
const weight = floats("w", [6, 3], Array(18).fill(0.5));

test("the graph is a model of standard operators that our own checks accept", () => {
  const graph = trainingGraph(
    buildMlp({ inputShape: [28, 28], hidden: [20], classes: 10, seed: 1 }),
    options,
  );
  const { input, output, node: nodes } = parseModel(graph.bytes).graph ?? {};
  assert.deepEqual(
    input?.map(({ name }) => name),
    [...graph.parameters, "learning_rate", "examples", "labels", "order", "batch_size", "steps"],
  );
  assert.deepEqual(
    output?.map(({ name }) => name),
    [...graph.updated, "loss", "weight", "correct", "counted"],
  );
  assert.equal(nodes?.filter(({ opType }) => opType === "Loop").length, 1);
  assert.deepEqual(
    { inputShape: graph.inputShape, inputType: graph.inputType, classes: graph.classes },
    { inputShape: [28, 28], inputType: "uint8", classes: 10 },
  );
  assert.deepEqual(
    graph.parameters,
    graph.layout.slots.map(({ name }) => `parameter/${name}`),
  );
});

test("each weight matrix is updated by the Gemm that makes its gradient, and no dataset gradient is made", () => {
  const graph = trainingGraph(buildMlp({ inputShape: [6], hidden: [5, 4], classes: 3, seed: 1 }), options);
  // Three forward, three fused updates, two gradients by hidden layers.
  assert.equal(bodyOf(graph).filter(({ opType }) => opType === "Gemm").length, 3 + 3 + 2);
});

test("every node of the loop is needed for an output", () => {
  const nodes = bodyOf(
    trainingGraph(buildMlp({ inputShape: [6], hidden: [5], classes: 3, seed: 1 }), options),
  );
  const read = new Set(nodes.flatMap(({ input }) => input));
  const unread = nodes.filter(({ output }) => !output.some((name) => read.has(name)));
  // Condition, four parameters, loss, right predictions, and of how many each.
  assert.deepEqual(new Set(unread.map(({ opType }) => opType)), new Set(["Identity"]));
  assert.equal(unread.length, 1 + 4 + 4);
});

test("what exporters write is trained: Constant, Identity, Reshape by an initializer, MatMul and Add", () => {
  const shape = integers("shape", [0, -1]);
  const graph = trainingGraph(
    modelOf({
      inputs: [value("x", ["N", 2, 3])],
      nodes: [
        node("Reshape", ["x", "shape"], "flat"),
        node("Identity", ["flat"], "same"),
        node("MatMul", ["same", "w"], "h"),
        constant(floats("", [], [1]), "one"),
        node("Add", ["h", "b"], "z"),
        node("Add", ["z", "one"], "y"),
      ],
      initializers: [shape, weight, floats("b", [3], [0, 0, 0])],
    }),
    options,
  );
  assert.deepEqual(
    graph.layout.slots.map(({ name }) => name),
    ["w", "b"],
  );
});

test("shapes that exporters compute are known while the graph is built, and cost nothing when it runs", () => {
  const model = modelOf({
    inputs: [value("x", ["N", 2, 3])],
    nodes: [
      node("Shape", ["x"], "shape"),
      node("Gather", ["shape", "zero"], "batch"),
      node("Unsqueeze", ["batch", "zeros"], "batches"),
      node("Concat", ["batches", "rest"], "target", { axis: ["int", 0] }),
      node("Reshape", ["x", "target"], "flat"),
      node("Slice", ["shape", "one", "three"], "sides"),
      node("ReduceProd", ["sides"], "size", { axes: ["ints", [0]] }),
      node("Reshape", ["flat", "all"], "again"),
      node("MatMul", ["again", "w"], "y"),
    ],
    initializers: [
      scalarInteger("zero", 0),
      integers("zeros", [0]),
      integers("rest", [-1]),
      integers("one", [1]),
      integers("three", [3]),
      integers("all", [-1, 6]),
      weight,
    ],
  });
  const nodes = bodyOf(trainingGraph(model, options));
  const shapes = nodes.filter(({ opType }) => opType === "Shape" || opType === "Concat");
  assert.equal(shapes.length, 1, "the number of labels, for the mean of the loss");
});

test("a reshape to computed sizes is trained, also where a zero would stand for itself", () => {
  const graph = trainingGraph(
    modelOf({
      inputs: [value("x", ["N", 2, 3])],
      nodes: [
        node("Shape", ["x"], "batch", { start: ["int", 0], end: ["int", 1] }),
        node("Concat", ["batch", "six"], "target", { axis: ["int", 0] }),
        node("Reshape", ["x", "target"], "flat", { allowzero: ["int", 1] }),
        node("MatMul", ["flat", "w"], "y"),
      ],
      initializers: [weight, integers("six", [6])],
    }),
    options,
  );
  assert.equal(graph.classes, 3);
});

test("before operator set 18 a split has as many equal parts as outputs", () => {
  const split = { ...node("Split", ["x"], "left", { axis: ["int", 1] }), output: ["left", "right"] };
  const model = modelOf({
    inputs: [value("x", ["N", 12])],
    nodes: [split, node("Sub", ["left", "right"], "d"), node("MatMul", ["d", "w"], "y")],
    initializers: [weight],
    opset: 13,
  });
  assert.equal(trainingGraph(model, options).classes, 3);
});

test("shapes are followed through arithmetic only as far as the runtime computes the same", () => {
  const known = [
    node("Cast", ["six"], "f", { to: ["int", 1] }),
    node("Cast", ["f"], "k", { to: ["int", 7] }),
  ];
  const truth = [
    node("Cast", ["six"], "b", { to: ["int", 9] }),
    node("Cast", ["b"], "i", { to: ["int", 7] }),
  ];
  const quotient = (by: string): ModelParts["nodes"] => [
    node("Cast", ["six"], "f", { to: ["int", 1] }),
    node("Cast", [by], "g", { to: ["int", 1] }),
    node("Div", ["f", "g"], "q"),
    node("Mul", ["q", "g"], "p"),
    node("Cast", ["p"], "k", { to: ["int", 7] }),
  ];
  const compile = (nodes: ModelParts["nodes"]): TrainingGraph =>
    trainingGraph(
      modelOf({
        nodes: [
          ...nodes,
          node("Concat", ["rest", "k"], "target", { axis: ["int", 0] }),
          node("Reshape", ["x", "target"], "r"),
          node("MatMul", ["r", "w"], "y"),
        ],
        initializers: [
          ...[weight, integers("rest", [-1]), integers("six", [6]), integers("zero", [0])],
          ...[
            integers("two", [2]),
            integers("four", [4]),
            integers("more", [262]),
            integers("much", [2 ** 52]),
          ],
        ],
      }),
      options,
    );
  compile(known);
  compile([...truth, node("Mul", ["i", "six"], "k")]);
  compile(quotient("two"));
  // 6 / 4 * 4 of floats is 6, of integers 4
  compile(quotient("four"));
  const wrong: readonly ModelParts["nodes"][] = [
    [node("Div", ["six", "four"], "q"), node("Mul", ["q", "four"], "k")],
    [node("Div", ["six", "zero"], "k")],
    [node("Div", ["zero", "zero"], "k")],
    [node("Mul", ["much", "much"], "k")],
    [node("Cast", ["more"], "b", { to: ["int", 2] }), node("Cast", ["b"], "k", { to: ["int", 7] })],
  ];
  for (const nodes of wrong) assert.throws(() => compile(nodes), { code: "unsupported" });
});

test("windows that tile are pooled before they are rectified, and differentiated without indices", () => {
  const graph = trainingGraph(buildCnn(cnn), options);
  const nodes = bodyOf(graph);
  const pool = nodes.findIndex(({ opType }) => opType === "MaxPool");
  const relu = nodes.findIndex(({ opType }) => opType === "Relu");
  assert.ok(pool < relu);
  assert.equal(nodes.filter(({ opType }) => opType === "Relu").length, 1 + 1, "one for each hidden layer");
  assert.ok(nodes.every(({ opType, output }) => opType !== "MaxPool" || output.length === 1));
});

test("the gradient by a weight of many channels is a matrix product, of few a convolution", () => {
  const products = (channels: number) =>
    bodyOf(trainingGraph(buildCnn({ ...cnn, channels: [channels, 2], hidden: [] }), options)).filter(
      ({ opType }) => opType === "Gemm",
    ).length;
  assert.equal(products(16), products(8) + 1);
});

test("a parameter used twice gets the sum of both gradients, an unused one stays as it is", () => {
  const twice = modelOf({
    nodes: [
      node("MatMul", ["x", "v"], "h"),
      node("MatMul", ["h", "v"], "g"),
      node("MatMul", ["g", "w"], "y"),
    ],
    initializers: [floats("v", [6, 6], Array(36).fill(0.1)), weight, floats("unused", [2], [1, 2])],
  });
  const nodes = bodyOf(trainingGraph(twice, options));
  assert.equal(
    nodes.filter(({ opType }) => opType === "Add").length,
    1 + 1,
    "one for the batch, one for the sum",
  );
  assert.equal(nodes.filter(({ opType }) => opType === "Sub").length, 1 + 1, "one for the loss, one for v");
});

test("names of the model never meet names of ours", () => {
  const names = ["loss", "examples", "Gemm_1", "constant_1", "parameter/loss"];
  const parameters = names.map((name) => floats(name, [3], [0, 0, 0]));
  const adds = names.map((name, index) =>
    node(
      "Add",
      [index === 0 ? "order" : `sum${index - 1}`, name],
      index === names.length - 1 ? "y" : `sum${index}`,
    ),
  );
  const model = modelOf({
    nodes: [node("MatMul", ["x", "w"], "order"), ...adds],
    initializers: [weight, ...parameters],
  });
  parseModel(trainingGraph(model, options).bytes);
  parseModel(evaluationGraph(model, options).bytes);
});

test("evaluation takes the same inputs but for the learning rate, and gives loss and right predictions", () => {
  const graph = evaluationGraph(buildMlp({ inputShape: [6], hidden: [5], classes: 3, seed: 1 }), options);
  const { input, output } = parseModel(graph.bytes).graph ?? {};
  assert.deepEqual(
    input?.map(({ name }) => name),
    [...graph.parameters, "examples", "labels", "order", "batch_size", "steps"],
  );
  assert.deepEqual(
    output?.map(({ name }) => name),
    ["loss", "weight", "correct", "counted"],
  );
});

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

function scalarInteger(name: string, number: number): TensorProto {
  return { ...integers(name, [number]), dims: [] };
}

function bodyOf(graph: TrainingGraph): NonNullable<OnnxModel["graph"]>["node"] {
  const loop = parseModel(graph.bytes).graph?.node.find(({ opType }) => opType === "Loop");
  return loop?.attribute[0]?.g?.node ?? [];
}

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
