import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../../scripts/testing/groups.ts";

interface Instruction {
  readonly name: string;
  readonly text: string;
}

interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

const files = [
  { file: "Containerfile", targets: ["coordinator", "agent", "inference"] },
  { file: "Containerfile.alpine", targets: ["coordinator"] },
];

for (const { file, targets } of files) {
  const stages = stagesOf(readFileSync(join(root, "deploy/containers", file), "utf8"));

  for (const name of targets) {
    test(`${file}: the ${name} runs as nobody, starts without a shell, and says whether it is well`, () => {
      const all = instructionsOf(stages, name);
      const last = (kind: string): string => all.findLast((one) => one.name === kind)?.text ?? "";
      assert.match(last("USER"), /^\d{4,}:\d{4,}$/);
      assert.ok(Array.isArray(JSON.parse(last("ENTRYPOINT"))));
      const [program, path = ""] = JSON.parse(last("ENTRYPOINT"));
      assert.equal(program, "node");
      assert.ok(existsSync(join(root, path.replace("/opt/selvedge/", ""))), path);
      const [, check = ""] = /^--start-period=\d+s CMD (\[.*\])$/.exec(last("HEALTHCHECK")) ?? [];
      assert.equal(JSON.parse(check).length, 3);
      assert.match(last("EXPOSE"), /^\d+( \d+)*$/);
    });
  }

  test(`${file} begins with a version, copies what is there, and adds nothing from elsewhere`, () => {
    const names = new Set(stages.map(({ name }) => name));
    for (const { base, instructions } of stages) {
      if (!names.has(base))
        assert.match(base, /^[\w.-]+(\/[\w.-]+)+:\d[\w.-]*$/, "a full name, and a tag that is a version");
      for (const { name, text } of instructions) {
        assert.notEqual(name, "ADD");
        assert.ok(name !== "ENV" || !/token|password|secret/i.test(text), text);
        if (name !== "COPY" || text.startsWith("--from=")) continue;
        for (const source of text.split(" ").slice(0, -1)) assert.ok(existsSync(join(root, source)), source);
      }
    }
  });

  test(`${file} gives every build the same modes, whatever the umask`, () => {
    const install = stages
      .flatMap(({ instructions }) => instructions)
      .find(({ text }) => text.startsWith("npm ci"));
    assert.match(install?.text ?? "", /&& chmod -R u=rwX,go=rX \. /);
  });
}

/** Of a stage, with those of the stages it is built on before them. */
function instructionsOf(stages: readonly Stage[], name: string): readonly Instruction[] {
  const stage = stages.find((one) => one.name === name);
  return stage === undefined ? [] : [...instructionsOf(stages, stage.base), ...stage.instructions];
}

/** With `${BASE}` as it is when nobody gives another. */
function stagesOf(text: string): readonly Stage[] {
  const lines = text
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => /^[A-Z]/.test(line));
  const [, defaultBase = ""] = /^ARG BASE=(\S+)$/m.exec(text) ?? [];
  const found: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    const [, base = "", stage = ""] = name === "FROM" ? (/^(\S+) AS (\w+)$/.exec(rest) ?? []) : [];
    if (name === "FROM")
      found.push({ name: stage, base: base.replace(/^\$\{BASE\}$/, defaultBase), instructions: [] });
    else found.at(-1)?.instructions.push({ name, text: rest.trim() });
  }
  return found;
}
