import { stat } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import { namePattern, SelvedgeError } from "@selvedge/protocol";
import {
  type InferenceServer,
  type InferenceServerOptions,
  startInferenceServer,
} from "./inference-server.ts";
import { digestOfFile, FolderRepository } from "./models/folder-repository.ts";
import type { RepositoryEntry } from "./models/model-repository.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";

export interface ServeOptions extends Partial<Omit<InferenceServerOptions, "repository" | "awaited">> {
  /** Of the model in an ONNX file; that of the file when absent. */
  readonly name?: string;
  /** How the model of an ONNX file classifies pictures; that of a folder says it itself. */
  readonly pipeline?: Pipeline;
}

/**
 * Serves an ONNX file, as version 1, or a folder of models laid out as
 * `NAME/VERSION/model.onnx`: the newest version of each, and the others for callers
 * with the admin token to load. On loopback, port 8080, unless told otherwise.
 *
 * @throws SelvedgeError as `startInferenceServer` and its `deploy`; `not_found` when there is no such file, or no
 *   model in the folder
 */
export async function serve(path: string, options: ServeOptions = {}): Promise<InferenceServer> {
  const { name, pipeline, host = "127.0.0.1", port = 8080, ...others } = options;
  const absolute = resolve(path);
  const repository = (await isFolder(absolute)) ? new FolderRepository(absolute) : undefined;
  const newest = repository && (await newestOf(repository, absolute));
  const fileName = name ?? (repository === undefined ? nameOf(absolute) : "");
  const server = await startInferenceServer({
    ...others,
    host,
    port,
    awaited: newest?.map((entry) => entry.name) ?? [fileName],
    ...(repository === undefined ? {} : { repository }),
  });
  try {
    if (repository === undefined || newest === undefined)
      await deployFile(server, absolute, fileName, pipeline);
    else for (const entry of newest) await server.deploy(await repository.find(entry));
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

async function deployFile(
  server: InferenceServer,
  path: string,
  name: string,
  pipeline: Pipeline | undefined,
): Promise<void> {
  const digest = await digestOfFile(path);
  const model = { name, version: "1", digest, path, ...(pipeline !== undefined && { pipeline }) };
  await server.deploy(model).catch((thrown: unknown) => {
    throw inFile(thrown, path);
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
async function newestOf(repository: FolderRepository, at: string): Promise<readonly RepositoryEntry[]> {
  const newest = new Map((await repository.list()).map((entry) => [entry.name, entry]));
  if (newest.size === 0) {
    throw new SelvedgeError("not_found", "there is no model in this folder", {
      at,
      fix: "lay it out as NAME/VERSION/model.onnx, versions being whole numbers",
    });
  }
  return [...newest.values()];
}

function nameOf(path: string): string {
  const name = basename(path, extname(path)).toLowerCase();
  if (namePattern.test(name)) return name;
  throw new SelvedgeError("invalid_argument", `"${name}" cannot be a model's name`, {
    at: path,
    fix: "give one",
  });
}
