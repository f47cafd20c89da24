import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuiltImage, buildRuntime } from "@selvedge/registry";
import packageJson from "../../package.json" with { type: "json" };
import type { Terminal } from "../terminal.ts";

export interface RuntimeChoice {
  /** Absolute; the one that runs this when absent. */
  readonly node?: string;
  readonly systemRoot: string;
  readonly strip: boolean;
}

/** Builds the runtime from what is installed here. @throws SelvedgeError as `buildRuntime` */
export async function buildInstalledRuntime({ env }: Terminal, choice: RuntimeChoice): Promise<BuiltImage> {
  const entry = fileURLToPath(import.meta.resolve("@selvedge/inference/image-main"));
  const strip = choice.strip ? findProgram("strip", env.PATH) : undefined;
  return await buildRuntime({
    node: choice.node ?? process.execPath,
    systemRoot: choice.systemRoot,
    packageFolder: dirname(dirname(entry)),
    entry: "src/image-main.ts",
    version: packageJson.version,
    ...(strip !== undefined && { strip }),
  });
}

function findProgram(name: string, path = ""): string | undefined {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
