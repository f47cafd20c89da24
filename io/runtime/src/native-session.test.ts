import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { buildMlp, serializeModel } from "@selvedge/onnx";
import { NativeSession } from "./native-session.ts";
import type { Tensors } from "./tensor.ts";

const bytes = serializeModel(buildMlp({ inputShape: [2], hidden: [4], classes: 3, seed: 1 }));
const feeds: Tensors = { input: { type: "float32", dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) } };

test("a session tells what it takes and gives, and runs the same from bytes and from a file", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-runtime-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "model.onnx");
  await writeFile(path, bytes);
  const sessions = [await NativeSession.load(bytes), await NativeSession.load(path)];
  const results = [];
  for (const session of sessions) {
    assert.deepEqual(session.inputs, [{ name: "input", type: "float32", dims: ["batch", 2] }]);
    assert.deepEqual(session.outputs, [{ name: "logits", type: "float32", dims: ["batch", 3] }]);
    results.push(await session.run(feeds, ["logits"]));
    await session.release();
  }
  const [first, second] = results;
  assert.deepEqual(first?.logits?.dims, [2, 3]);
  assert.deepEqual(first, second);
});

test("[RE6] loading and running a model leaves nothing in the folder for temporary files", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-runtime-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "model.onnx");
  await writeFile(path, bytes);
  const program = `
    const { NativeSession } = await import(${JSON.stringify(new URL("native-session.ts", import.meta.url).href)});
    const session = await NativeSession.load(${JSON.stringify(path)});
    await session.run({ input: { type: "float32", dims: [1, 2], data: new Float32Array(2) } });
    await session.release();`;
  const env = { ...process.env, TMPDIR: folder, ORT_DISABLE_TELEMETRY: "" };
  await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { env });
  assert.deepEqual(await readdir(folder), ["model.onnx"]);
});

test("where ONNX Runtime is not installed, or has no build for the system, that is said with what to do", async () => {
  const program = `
    const { registerHooks } = await import("node:module");
    registerHooks({
      resolve(name, context, next) {
        if (name === "onnxruntime-node") throw new Error("no such package");
        return next(name, context);
      },
    });
    const { NativeSession } = await import(${JSON.stringify(new URL("native-session.ts", import.meta.url).href)});
    await NativeSession.load("any.onnx").catch(({ code, message, fix }) =>
      console.log(JSON.stringify({ code, message, fix })));`;
  const options = ["--input-type=module", "--disable-warning=ExperimentalWarning", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, options);
  const { code, message, fix } = JSON.parse(stdout);
  assert.equal(code, "failed_precondition");
  assert.match(message, /^ONNX Runtime is not there: .*no such package/);
  assert.match(fix, /npm ci.*glibc/);
});

test("what is no model is corrupt, and feeds that do not fit are invalid arguments", async () => {
  await assert.rejects(NativeSession.load(Buffer.from("no model")), { code: "corrupt" });
  await assert.rejects(NativeSession.load("/no/such/model.onnx"), {
    code: "corrupt",
    at: "/no/such/model.onnx",
  });
  const session = await NativeSession.load(bytes);
  const wrongShape: Tensors = { input: { type: "float32", dims: [1, 3], data: new Float32Array(3) } };
  const wrongLength: Tensors = { input: { type: "float32", dims: [1, 2], data: new Float32Array(3) } };
  for (const wrong of [{}, wrongShape, wrongLength]) {
    await assert.rejects(session.run(wrong), { code: "invalid_argument" });
  }
  await assert.rejects(session.run(feeds, ["no such output"]), { code: "invalid_argument" });
  await session.release();
});
