import { cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { temporaryFolder } from "./temporary-folder.ts";
import { root } from "./testing/groups.ts";

/** A temporary checkout that holds these scripts and planted files, and nothing else. */
export interface PlantedCheckout extends Disposable {
  readonly folder: string;
}

export async function plantCheckout(files: Readonly<Record<string, string>>): Promise<PlantedCheckout> {
  const { path: folder, [Symbol.dispose]: dispose } = temporaryFolder("checkout");
  const isTest = (path: string): boolean => /\.(test|fixture)\.ts$/.test(path);
  await cp(join(root, "scripts"), join(folder, "scripts"), {
    recursive: true,
    filter: (path) => !isTest(path),
  });
  for (const [path, text] of Object.entries({ "package.json": '{ "type": "module" }', ...files })) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text, { mode: 0o755 });
  }
  return { folder, [Symbol.dispose]: dispose };
}
