import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Digest, namePattern, parseDigest, SelvedgeError } from "@selvedge/protocol";
import type { DeployedModel } from "../deployed-model.ts";
import { readPipeline } from "../pipeline/pipeline.ts";
import type { ModelRepository, RepositoryEntry } from "./model-repository.ts";

/**
 * A folder laid out as Triton's model repositories are: `NAME/VERSION/model.onnx`,
 * versions being whole numbers. What is named otherwise is not a model. How a model
 * classifies pictures says `NAME/VERSION/pipeline.yaml`, or `NAME/pipeline.yaml`.
 */
export class FolderRepository implements ModelRepository {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws SelvedgeError `not_found` or `permission_denied` when the folder cannot be read */
  async list(): Promise<readonly RepositoryEntry[]> {
    const entries: RepositoryEntry[] = [];
    for (const name of (await folders(this.#folder)).filter((each) => namePattern.test(each)).sort()) {
      const versions = (await folders(join(this.#folder, name))).filter((each) => versionPattern.test(each));
      for (const version of versions.sort((a, b) => Number(a) - Number(b))) {
        if (await isFile(this.#pathOf({ name, version }))) entries.push({ name, version });
      }
    }
    return entries;
  }

  async find(entry: RepositoryEntry): Promise<DeployedModel> {
    const path = this.#pathOf(entry);
    return { ...entry, path, digest: await digestOfFile(path), ...(await this.#pipelineOf(entry)) };
  }

  async #pipelineOf({ name, version }: RepositoryEntry): Promise<Pick<DeployedModel, "pipeline">> {
    for (const folder of [join(this.#folder, name, version), join(this.#folder, name)]) {
      const path = join(folder, "pipeline.yaml");
      if (await isFile(path)) return { pipeline: await readPipeline(path) };
    }
    return {};
  }

  #pathOf({ name, version }: RepositoryEntry): string {
    return join(this.#folder, name, version, "model.onnx");
  }
}

/** @throws SelvedgeError `not_found` or `permission_denied` when it cannot be read */
export async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash).catch((thrown: unknown) => {
    throw unreadable(thrown, path);
  });
  return parseDigest(`sha256:${hash.digest("hex")}`, path);
}

async function folders(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (thrown) {
    throw unreadable(thrown, path);
  }
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true;
}

function unreadable(thrown: unknown, path: string): SelvedgeError {
  const reason = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (reason === "ENOENT" || reason === "ENOTDIR") {
    const fix = "check the path";
    return new SelvedgeError("not_found", "no such file or folder", { at: path, fix, cause: thrown });
  }
  const message = `cannot read it: ${SelvedgeError.from(thrown).message}`;
  return new SelvedgeError("permission_denied", message, { at: path, cause: thrown });
}

const versionPattern = /^[1-9]\d{0,14}$/;
