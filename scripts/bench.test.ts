import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { root } from "./testing/groups.ts";

test("a benchmark's --help says how it is run, and names every option that it takes", () => {
  const paths = globSync("bench/*.bench.ts", { cwd: root });
  assert.ok(paths.length > 0);
  for (const path of paths) {
    const name = basename(path, ".bench.ts");
    const help = execFileSync(process.execPath, [join(root, "scripts/bench.ts"), name, "--help"], {
      encoding: "utf8",
    });
    assert.ok(help.includes(`npm run bench -- ${name}`), `${name}: ${help}`);
    const source = readFileSync(join(root, path), "utf8");
    for (const [, option] of source.matchAll(/"?([\w-]+)"?: \{ type: "(?:string|boolean)"/g)) {
      assert.ok(help.includes(`--${option} `), `${name} --${option}: ${help}`);
    }
  }
});
