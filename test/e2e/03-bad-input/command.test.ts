import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildMlp, type OnnxModel, serializeModel } from "@selvedge/onnx";
import { jobFile } from "../job-file.fixture.ts";
import { mainPath } from "../spawned-process.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

const builtModel = /^model: .*$/m;

interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly at: string;
  readonly fix?: string;
}

suite("the command, given what is wrong", () => {
  let fleet: TestFleet;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "selvedge-e2e-"));
    fleet = await TestFleet.start(0);
  });
  after(async () => {
    await fleet?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function selvedge(...args: string[]): { readonly status: number | null; readonly error: Complaint } {
    const argv = ["--disable-warning=ExperimentalWarning", mainPath(), ...args, "--json"];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd: folder, encoding: "utf8" });
    assert.equal(stdout, "");
    const { error } = JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "") as { readonly error: Complaint };
    return { status, error };
  }

  function runJob(text: string): { readonly status: number | null; readonly error: Complaint } {
    writeFileSync(join(folder, "job.yaml"), text);
    return selvedge("job", "run", "job.yaml", "--state", join(fleet.folder, "coordinator"));
  }

  function runModel(bytes: Uint8Array): { readonly status: number | null; readonly error: Complaint } {
    writeFileSync(join(folder, "model.onnx"), bytes);
    return runJob(jobFile("1s").replace(builtModel, "model: model.onnx"));
  }

  test("a model that is not ONNX", () => {
    const { status, error } = runModel(Buffer.from("not a model"));
    assert.deepEqual([status, error.code], [2, "corrupt"]);
    assert.match(error.at, /model\.onnx/);
    assert.match(error.fix ?? "", /export the model again/);
  });

  test("a model with data outside its bundle", () => {
    const { status, error } = runModel(serializeModel(withExternalData(model, "../../etc/passwd")));
    assert.deepEqual([status, error.code], [4, "untrusted"]);
    assert.match(error.at, /model\.onnx/);
    assert.ok(error.fix);
  });

  test("an operator without a gradient rule", () => {
    const { status, error } = runModel(serializeModel(withOperator(model, "Relu", "Hardmax")));
    assert.deepEqual([status, error.code], [2, "unsupported"]);
    assert.match(error.message, /Hardmax/);
    assert.match(error.at, /model\.onnx/);
    assert.ok(error.fix);
  });

  test("a key of a job file that does not exist", () => {
    const { status, error } = runJob(`${jobFile("1s")}leraningRate: 0.1\n`);
    assert.deepEqual([status, error.code], [2, "invalid_argument"]);
    assert.match(error.at, /job\.yaml:\d+/);
    assert.match(`${error.message} ${error.fix}`, /learningRate/);
  });

  test("a dataset that the coordinator does not have", () => {
    const { status, error } = runJob(jobFile("1s").replace("held-back", "no-such-data"));
    assert.deepEqual([status, error.code], [3, "not_found"]);
    assert.match(error.message, /no-such-data/);
    assert.match(error.fix ?? "", /selvedge up --dataset/);
  });

  test("a port in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const address = server.address();
      assert.ok(address !== null && typeof address === "object");
      const { status, error } = selvedge(
        ...["up", "--state", join(folder, "coordinator"), "--host", "127.0.0.1"],
        ...["--port", String(address.port), "--log-level", "silent"],
      );
      assert.deepEqual([status, error.code], [5, "unavailable"]);
      assert.match(error.message, /already in use/);
      assert.match(`${error.at}`, new RegExp(String(address.port)));
    } finally {
      server.close();
    }
  });
});

const model: OnnxModel = buildMlp({ inputShape: [16], hidden: [16], classes: 4, seed: 1 });

function withOperator(from: OnnxModel, operator: string, by: string): OnnxModel {
  const { graph } = from;
  assert.ok(graph);
  const node = graph.node.map((each) => (each.opType === operator ? { ...each, opType: by } : each));
  return { ...from, graph: { ...graph, node } };
}

function withExternalData(from: OnnxModel, location: string): OnnxModel {
  const { graph } = from;
  assert.ok(graph);
  const external = { $typeName: "onnx.StringStringEntryProto" as const, key: "location", value: location };
  const [first, ...rest] = graph.initializer;
  assert.ok(first);
  // 1 = EXTERNAL (onnx.proto, TensorProto.DataLocation).
  const initializer = [{ ...first, dataLocation: 1, externalData: [external] }, ...rest];
  return { ...from, graph: { ...graph, initializer } };
}
