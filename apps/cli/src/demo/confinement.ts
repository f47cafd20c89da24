import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { handwritingPackage } from "./handwriting.ts";

/** Node's options for a process that may read the program, and read and write `folder`, and no other file. */
export function confinedTo(folder: string): string[] {
  return [
    "--permission",
    ...programFiles().map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-read=${folder}`,
    `--allow-fs-write=${folder}`,
    // ONNX Runtime is native code, and runs in child processes, which get the same options.
    "--allow-addons",
    "--allow-child-process",
    "--disable-warning=SecurityWarning",
  ];
}

/** The program and the packages it runs on: the checkout without the images that devices were given parts of. */
function programFiles(): string[] {
  const packages = readdirSync(join(checkout, "node_modules")).filter((name) => name !== handwritingPackage);
  return [
    ...["package.json", "core", "io", "services", "apps"].map((name) => join(checkout, name)),
    ...packages.map((name) => join(checkout, "node_modules", name)),
  ];
}

/** Where this program lies. */
export const checkout: string = realpathSync(fileURLToPath(new URL("../../../..", import.meta.url)));
