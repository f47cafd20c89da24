import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { startInferenceServer } from "@selvedge/inference";
import { type Digest, parseDigest } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import { nameFrom } from "../name-from.ts";
import { type InferInput, inferExample } from "../output/infer-example.ts";
import { writeJson } from "../output/json.ts";
import { createLog, type LogOptions } from "../output/log.ts";
import { renderFields } from "../output/table.ts";
import { type Terminal, untilInterrupted } from "../terminal.ts";

export interface ServeOptions extends LogOptions {
  /** Of the model; that of the file when absent. */
  readonly name?: string;
  readonly host: string;
  readonly port: number;
}

/** Serves one ONNX file until it is asked to stop. */
export async function run(terminal: Terminal, options: ServeOptions, file: string): Promise<void> {
  const { host, port, json } = options;
  const path = resolve(terminal.workingFolder, file);
  const name = options.name ?? nameFrom(basename(path, extname(path)), "model");
  const digest = await digestOfFile(path);
  const server = await startInferenceServer({ host, port, log: createLog(terminal, options) });
  try {
    await server.deploy({ name, version: "1", digest, path });
    const { url } = server;
    const inputs = await describeInputs(`${url}/v2/models/${name}`, terminal.interrupted);
    if (json) writeJson(terminal.stdout, { url, model: { name, digest, path, inputs } });
    else {
      terminal.stdout.write(
        renderFields([
          ["model", `${name} (${digest})`],
          ["url", `${url}/v2/models/${name}/infer`],
          ["metrics", `${url}/metrics`],
          ["stop", "Ctrl-C"],
          ["try", inferExample(url, name, inputs)],
        ]),
      );
    }
    await untilInterrupted(terminal);
  } finally {
    await server.close();
  }
}

async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash).catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
  return parseDigest(`sha256:${hash.digest("hex")}`, path);
}

/** What the model takes, as our own server tells everybody. */
async function describeInputs(url: string, signal: AbortSignal): Promise<readonly InferInput[]> {
  const response = await fetch(url, { signal });
  const { inputs } = (await response.json()) as { readonly inputs: readonly InferInput[] };
  return inputs;
}
