import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import fc from "fast-check";
import { compositions } from "./compositions.ts";
import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import { floats, integers, modelOf, node, value } from "./models.fixture.ts";
import type { AttributeKind, AttributeValue } from "./operator.ts";
import { operators } from "./operators.ts";
import { sizeOf } from "./shape.ts";
import { trainingGraph } from "./training-graph.ts";

interface Spec {
  readonly arity: readonly [number, number];
  readonly attributes: Readonly<Record<string, AttributeKind>>;
}

const specs: readonly (readonly [string, Spec])[] = [
  ...Object.entries<Spec>(operators),
  ...Object.entries<Spec>(compositions),
];

// Whatever stands in a file: sizes from nothing to more than there is memory, attributes of any value.
const size = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 4 }) },
  fc.constantFrom(7, 16, 2 ** 20, 2 ** 40),
);
const whole = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -3, max: 5 }) },
  fc.constantFrom(2 ** 31, -(2 ** 40)),
);
const values: { readonly [Kind in AttributeKind]: fc.Arbitrary<AttributeValue> } = {
  int: whole,
  float: fc.float({ noNaN: true }),
  ints: fc.array(whole, { maxLength: 6 }),
  strings: fc.array(fc.constantFrom("Relu", "Sigmoid", "Tanh", ""), { maxLength: 7 }),
  string: fc.constantFrom(
    "reverse",
    "bidirectional",
    "SAME_UPPER",
    "VALID",
    "nearest",
    "constant",
    "add",
    "CRD",
    "",
  ),
};
const tensor = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }).map((shape) => {
    return floats("", shape, Array(sizeOf(shape)).fill(0.5));
  }),
  fc.array(whole, { maxLength: 6 }).map((list) => integers("", list)),
);
const cases = fc.constantFrom(...specs).chain(([op, { arity, attributes }]) =>
  fc.record({
    op: fc.constant(op),
    input: fc.array(size, { maxLength: 4 }),
    others: fc.array(tensor, { maxLength: Math.min(4, arity[1] - 1) }),
    attributes: fc.record(
      Object.fromEntries(
        Object.entries(attributes).map(([name, kind]) => [name, fc.tuple(fc.constant(kind), values[kind])]),
      ),
      { requiredKeys: [] },
    ),
  }),
);

test("whatever a file asks of an operator, it is compiled or refused", () => {
  let compiled = 0;
  fc.assert(
    fc.property(cases, ({ op, input, others, attributes }) => {
      const named = others.map((each, index): TensorProto => ({ ...each, name: `t${index}` }));
      const model = modelOf({
        inputs: [value("x", ["batch", ...input])],
        nodes: [
          node("Mul", ["x", "weight"], "m"),
          node(op, ["m", ...named.map(({ name }) => name)], "z", attributes as Parameters<typeof node>[3]),
          node("Flatten", ["z"], "f"),
          node("ReduceSum", ["f", "last"], "s"),
          node("MatMul", ["s", "scores"], "y"),
        ],
        initializers: [
          ...named,
          floats("weight", [1], [1]),
          integers("last", [-1]),
          floats("scores", [1, 3], [1, 2, 3]),
        ],
      });
      try {
        trainingGraph(model, {
          loss: "softmax-cross-entropy",
          optimizer: "sgd",
          inputType: "float32",
          scale: 1,
        }).cost(8);
        compiled += 1;
      } catch (thrown) {
        if (!(thrown instanceof SelvedgeError) || thrown.code === "internal") throw thrown;
      }
    }),
    { numRuns: 1_000, seed: 1 },
  );
  assert.ok(compiled > 100, `${compiled} compiled`);
});
