import { readFile } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import {
  type InferenceServer,
  readPipeline,
  readStreamFlags,
  type ServerTls,
  type StreamFlags,
  serve,
} from "@selvedge/inference";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import { nameFrom } from "../name-from.ts";
import { type InferAccess, inferExample } from "../output/infer-example.ts";
import { writeJson } from "../output/json.ts";
import { createLog, type LogOptions } from "../output/log.ts";
import { renderFields } from "../output/table.ts";
import { readToken } from "../read-token.ts";
import { type Terminal, untilInterrupted } from "../terminal.ts";

export interface ServeOptions extends LogOptions, StreamFlags {
  /** Of the model; that of the file when absent. */
  readonly name?: string;
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number;
  /** False to speak HTTP only. */
  readonly grpc: boolean;
  readonly tokenFile?: string;
  readonly adminTokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly pipeline?: string;
  readonly maxBatchSize: number;
  readonly preferredBatchSizes?: readonly number[];
  readonly maxQueueDelayUs: number;
}

/** Serves one ONNX file, or a folder of models, until it is asked to stop. */
export async function run(terminal: Terminal, options: ServeOptions, model: string): Promise<void> {
  const path = resolve(terminal.workingFolder, model);
  const tls = await readTls(terminal, options);
  const streams = await readStreamFlags(options, terminal.workingFolder);
  const server = await serve(path, {
    name: options.name ?? nameFrom(basename(path, extname(path)), "model"),
    host: options.host,
    port: options.port,
    ...(options.grpc ? { grpcPort: options.grpcPort } : {}),
    streams,
    log: createLog(terminal, options),
    batchRowsMax: options.maxBatchSize,
    preferredBatchSizes: options.preferredBatchSizes ?? [],
    maxQueueDelayMicroseconds: options.maxQueueDelayUs,
    ...(tls === undefined ? {} : { tls }),
    ...(options.pipeline === undefined
      ? {}
      : { pipeline: await readPipeline(resolve(terminal.workingFolder, options.pipeline)) }),
    ...(await readTokens(terminal, options)),
  });
  try {
    const models = server.models().map(({ name, version, digest, inputs, path }) => ({
      name,
      version,
      digest,
      path,
      inputs,
    }));
    if (options.json)
      writeJson(terminal.stdout, { url: server.url, grpcAddress: server.grpcAddress, models });
    else terminal.stdout.write(renderFields(fieldsOf(server, options)));
    await untilInterrupted(terminal);
  } finally {
    await server.close();
  }
}

function fieldsOf(server: InferenceServer, access: InferAccess): readonly [string, string][] {
  const { url } = server;
  return [
    ...server.models().flatMap(({ name, digest, inputs }): [string, string][] => [
      ["model", `${name} (${digest})`],
      ["url", `${url}/v2/models/${name}/infer`],
      ["try", inferExample(url, name, inputs, access)],
    ]),
    ...(server.grpcAddress === undefined ? [] : [["grpc", server.grpcAddress] satisfies [string, string]]),
    ["metrics", `${url}/metrics`],
    ["stop", "Ctrl-C"],
  ];
}

async function readTokens(
  terminal: Terminal,
  { tokenFile, adminTokenFile }: ServeOptions,
): Promise<{ readonly token?: string; readonly adminToken?: string }> {
  const read = (file: string): Promise<string> => readToken(terminal, file, "openssl rand -hex 32");
  return {
    ...(tokenFile === undefined ? {} : { token: await read(tokenFile) }),
    ...(adminTokenFile === undefined ? {} : { adminToken: await read(adminTokenFile) }),
  };
}

/** @throws SelvedgeError `invalid_argument` when only one of the two is given, and as `fileError` */
async function readTls(
  terminal: Terminal,
  { tlsCert, tlsKey }: ServeOptions,
): Promise<ServerTls | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new SelvedgeError("invalid_argument", "TLS takes a certificate and its key", {
      fix: "give both --tls-cert and --tls-key",
    });
  }
  return { cert: await readPem(terminal, tlsCert), key: await readPem(terminal, tlsKey) };
}

async function readPem({ workingFolder }: Terminal, file: string): Promise<string> {
  const path = resolve(workingFolder, file);
  return await readFile(path, "utf8").catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
}
