// npm run bench [-- NAME [options]]: runs bench/NAME.bench.ts, or says which there are; with --help prints what the
// benchmark says at its top.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "./testing/groups.ts";

const [name, ...options] = process.argv.slice(2);
const names = globSync("bench/*.bench.ts", { cwd: root }).map((path) => basename(path, ".bench.ts"));
if (name === undefined || !names.includes(name)) {
  console.error(
    `${name === undefined ? "give a benchmark" : `no benchmark "${name}"`}: ${names.sort().join(", ")}`,
  );
  process.exit(64);
}
const file = join(root, "bench", `${name}.bench.ts`);
if (options.includes("--help")) {
  console.log(firstComment(readFileSync(file, "utf8")));
  process.exit(0);
}
const child = spawn(process.execPath, [file, ...options], { stdio: "inherit" });
const [code] = await once(child, "exit");
process.exitCode = code ?? 1;

function firstComment(source: string): string {
  const [, text = ""] = /\/\*\*\n(.*?)\n \*\//s.exec(source) ?? [];
  return text.replaceAll(/^ \* ?/gm, "");
}
