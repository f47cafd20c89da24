import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { buildMlp, parseModel, serializeModel } from "@selvedge/onnx";
import { digestOf } from "@selvedge/protocol";
import type { DeployedModel } from "./deployed-model.ts";
import {
  type InferenceServer,
  type InferenceServerOptions,
  startInferenceServer,
} from "./inference-server.ts";

/** A folder that goes when the test ends. */
export async function testFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-inference-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server on any free port that is closed when the test ends. */
export async function testServer(
  t: TestContext,
  options: Partial<InferenceServerOptions> = {},
): Promise<InferenceServer> {
  const server = await startInferenceServer({ host: "127.0.0.1", port: 0, ...options });
  t.after(() => server.close());
  return server;
}

/** A server, closed when the test ends, that serves version 1 of the model "digits". */
export async function digitsServer(
  t: TestContext,
  options: Partial<InferenceServerOptions> = {},
): Promise<InferenceServer> {
  const server = await testServer(t, options);
  await server.deploy(await writeVersion(await testFolder(t), "1", smallMlp(1)));
  return server;
}

/** Sends a signal to the process of each model. */
export function signalModels(server: InferenceServer, signal: NodeJS.Signals): void {
  for (const { pid } of server.models()) {
    if (pid !== undefined) process.kill(pid, signal);
  }
}

/** Asks until the answer is yes; the runner's own timeout ends a wait in vain. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  // What is awaited may need the event loop, and the condition itself may not give way to it.
  while (!(await condition())) await setImmediate();
}

/** Writes bytes as version `version` of the model "digits"; its digest is theirs. */
export async function writeVersion(
  folder: string,
  version: string,
  bytes: Uint8Array,
): Promise<DeployedModel> {
  const path = join(folder, `${version}.onnx`);
  await writeFile(path, bytes);
  return { name: "digits", version, digest: digestOf(bytes), path };
}

/** A classifier of four numbers into three classes. Other seeds give other weights. */
export function smallMlp(seed: number): Uint8Array {
  return serializeModel(buildMlp({ inputShape: [4], hidden: [8], classes: 3, seed }));
}

/** Gives back its input `input`, two elements of ONNX's data type `elemType` for each example, as `logits`. */
export function identityModel(elemType: number): Uint8Array {
  const model = parseModel(serializeModel(buildMlp({ inputShape: [2], hidden: [], classes: 2, seed: 1 })));
  const { graph } = model;
  const [node] = graph?.node ?? [];
  if (graph === undefined || node === undefined) throw new Error("an MLP without a node");
  Object.assign(node, { opType: "Identity", attribute: [], input: ["input"], output: ["logits"] });
  graph.node = [node];
  graph.initializer = [];
  for (const { type } of [...graph.input, ...graph.output]) {
    if (type?.value.case === "tensorType") type.value.value.elemType = elemType;
  }
  return serializeModel(model);
}

export const inferPath = "/v2/models/digits/infer";

/** The JSON body of a request for `rows` examples, all `value`. */
export function inferBody(rows = 1, value = 1): string {
  const data = new Array(rows * 4).fill(value);
  return JSON.stringify({ inputs: [{ name: "input", shape: [rows, 4], datatype: "FP32", data }] });
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON came back
  readonly body: any;
}

export async function post(url: string, body: string | Uint8Array<ArrayBuffer>): Promise<Answer> {
  return await read(await fetch(url, { method: "POST", body }));
}

export async function get(url: string): Promise<Answer> {
  return await read(await fetch(url));
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}
