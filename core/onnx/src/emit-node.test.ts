import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { checkOperator } from "./emit-node.ts";
import { NodeProtoSchema } from "./gen/onnx/onnx_pb.js";

test("an operator that is not known is refused with where those are that are, one beside a network with the way to leave it out", () => {
  const check = (opType: string, domain: string) => () =>
    checkOperator(create(NodeProtoSchema, { opType, domain, output: ["y"] }));
  assert.throws(check("Det", ""), {
    code: "unsupported",
    fix: /docs\/reference\/models\.md lists them$/,
  });
  assert.throws(check("Scaler", "ai.onnx.ml"), { code: "unsupported", fix: /^export the network alone, / });
});
