import { stat } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import { namePattern, SelvedgeError } from "@selvedge/protocol";
import type { DeployedModel } from "./deployed-model.ts";
import {
  type InferenceServer,
  type InferenceServerOptions,
  startInferenceServer,
} from "./inference-server.ts";
import { digestOfFile, FolderRepository } from "./models/folder-repository.ts";
import type { ModelRepository, RepositoryEntry } from "./models/model-repository.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";

export interface ServeOptions extends Partial<Omit<InferenceServerOptions, "repository" | "awaited">> {
  /** Of the model in an ONNX file; that of the file when absent. */
  readonly name?: string;
  /** How the model of an ONNX file classifies pictures; those of a folder have their own. */
  readonly pipeline?: Pipeline;
}

/**
 * Serves an ONNX file, as version 1, or a folder of models laid out as
 * `NAME/VERSION/model.onnx`: the newest version of each, and the others for callers
 * with the admin token to load. On loopback, port 8080, unless told otherwise.
 *
 * @throws SelvedgeError as `startInferenceServer` and its `deploy`; `not_found` when there is no such file, or no
 *   model in the folder; `invalid_argument` for a folder and a pipeline
 */
export async function serve(path: string, options: ServeOptions = {}): Promise<InferenceServer> {
  const { name, pipeline, host = "127.0.0.1", port = 8080, ...others } = options;
  const at = resolve(path);
  const folder = (await isFolder(at)) ? new FolderRepository(at) : undefined;
  if (folder !== undefined && pipeline !== undefined) throw needlessPipeline(at);
  const source = folder ?? fileSource(at, name ?? nameOf(at), pipeline);
  const newest = await newestOf(source, at);
  const server = await startInferenceServer({
    ...others,
    host,
    port,
    awaited: newest.map((entry) => entry.name),
    ...(folder === undefined ? {} : { repository: folder }),
  });
  try {
    for (const entry of newest) await deploy(server, await source.find(entry));
    return server;
  } catch (thrown) {
    await server.close();
    throw thrown;
  }
}

async function isFolder(path: string): Promise<boolean> {
  // What is not there is told when it is read.
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

function fileSource(path: string, name: string, pipeline: Pipeline | undefined): ModelRepository {
  return {
    list: async () => [{ name, version: "1" }],
    find: async (entry) => ({
      ...entry,
      path,
      digest: await digestOfFile(path),
      ...(pipeline !== undefined && { pipeline }),
    }),
  };
}

async function deploy(server: InferenceServer, model: DeployedModel): Promise<void> {
  await server.deploy(model).catch((thrown: unknown) => {
    throw inFile(thrown, model.path);
  });
}

/** The file before the node or tensor that an error names. */
function inFile(thrown: unknown, path: string): SelvedgeError {
  const { code, message, at, fix } = SelvedgeError.from(thrown);
  return new SelvedgeError(code, message, {
    at: at === undefined || at === path ? path : `${path}: ${at}`,
    ...(fix !== undefined && { fix }),
    cause: thrown,
  });
}

/** The newest version of each model. */
async function newestOf(source: ModelRepository, at: string): Promise<readonly RepositoryEntry[]> {
  const newest = new Map((await source.list()).map((entry) => [entry.name, entry]));
  if (newest.size === 0) {
    throw new SelvedgeError("not_found", "there is no model in this folder", {
      at,
      fix: "lay it out as NAME/VERSION/model.onnx, versions being whole numbers",
    });
  }
  return [...newest.values()];
}

function needlessPipeline(at: string): SelvedgeError {
  return new SelvedgeError(
    "invalid_argument",
    "a pipeline is given, and the models of a folder have their own",
    {
      at,
      fix: "put pipeline.yaml beside a model, or serve its file",
    },
  );
}

function nameOf(path: string): string {
  const name = basename(path, extname(path)).toLowerCase();
  if (namePattern.test(name)) return name;
  throw new SelvedgeError("invalid_argument", `"${name}" cannot be a model's name`, {
    at: path,
    fix: "give one",
  });
}
