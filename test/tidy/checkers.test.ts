import assert from "node:assert/strict";
import { test } from "node:test";
import { testGroups } from "../../scripts/testing/groups.ts";
import { nameViolations } from "./file-names.ts";
import { brokenLinks } from "./links.ts";
import { markerViolations } from "./markers.ts";
import { impurities } from "./pure-core.ts";
import { sourceFile } from "./repository.ts";
import { sizeViolations } from "./sizes.ts";
import { specViolations } from "./spec-rules.ts";
import { unplacedTests } from "./test-placement.ts";

test("each banned call in core is found", () => {
  const banned = [
    "const t = Date.now();",
    "const d = new Date();",
    "const t = performance.now();",
    "const r = Math.random();",
    "randomBytes(8);",
    "randomUUID();",
    "generateKeyPairSync('ec');",
    "setTimeout(f, 1);",
    "setInterval(f, 1);",
    "process.exit(1);",
    "console.log(1);",
    `const s = \`at $${"{Date.now()}"}\`;`,
    'import { readFile } from "node:fs/promises";',
    'import net from "node:net";',
    'import { spawn } from "node:child_process";',
  ];
  for (const code of banned) assert.equal(impurities([sourceFile("core/x/src/a.ts", code)]).length, 1, code);
});

test("core may hash, take a date from a number, and speak of the clock; its tests and other layers are free", () => {
  const fine =
    'import { createHash } from "node:crypto";\n// Date.now() is not for us\nconst d = new Date(5);\n';
  const said = 'const s = "call setTimeout( or Math.random()";\nstep.process(1);\n';
  assert.deepEqual(impurities([sourceFile("core/x/src/a.ts", fine + said)]), []);
  const clock = "const t = Date.now();";
  assert.deepEqual(
    impurities([sourceFile("core/x/src/a.test.ts", clock), sourceFile("io/x/src/a.ts", clock)]),
    [],
  );
});

test("names that are not kebab-case or say nothing are found", () => {
  const bad = ["io/x/src/fooBar.ts", "io/x/src/Foo.ts", "io/x/src/foo_bar.ts", "io/x/src/utils.ts"];
  for (const path of [...bad, "io/x/src/helpers/a.ts", "io/x/src/deep/index.ts", "test/index.ts"]) {
    assert.equal(nameViolations([{ path, imports: [] }]).length, 1, path);
  }
  const good = [
    "io/x-y/src/index.ts",
    "testkit/src/index.ts",
    "io/x/src/a-b.property.test.ts",
    "test/e2e/01-x/a.ts",
  ];
  assert.deepEqual(nameViolations(good.map((path) => ({ path, imports: [] }))), []);
});

test("an import of an index from inside is found", () => {
  for (const specifier of ["./index.ts", "../index.ts", "../deep/index.ts"]) {
    assert.equal(nameViolations([{ path: "io/x/src/a.ts", imports: [specifier] }]).length, 1, specifier);
  }
  assert.deepEqual(
    nameViolations([{ path: "io/x/src/a.ts", imports: ["./tree-index.ts", "@x/index.ts"] }]),
    [],
  );
});

test("rules and tests are matched both ways", () => {
  const text = ["ZZ1", "ZZ2", "ZZ3"].map((id) => `- **${id}** Something holds.`).join("\n");
  const carry = (...ids: string[]) => `test("${ids.map((id) => `[${id}]`).join(" ")} holds", () => {});`;
  const check = (spec: string, ...tests: string[]) =>
    specViolations({ path: "SPEC.md", text: spec }, [sourceFile("core/x/src/a.test.ts", tests.join("\n"))]);
  assert.deepEqual(check(text, carry("ZZ1", "ZZ2"), carry("ZZ3")), []);
  assert.deepEqual(check(text, carry("ZZ1"), `  it(\`[ZZ2] a\``), ["SPEC.md: no test carries ZZ3"]);
  assert.match(check(text, carry("ZZ1", "ZZ2"), carry("ZZ3"), carry("ZZ4")).join(), /a test carries ZZ4/);
  assert.match(check(text, `// ${carry("ZZ1")}`, carry("ZZ2", "ZZ3")).join(), /no test carries ZZ1/);
  assert.match(check(`${text}\n- **ZZ1** Again.`, carry("ZZ1", "ZZ2", "ZZ3")).join(), /ZZ1 stands for two/);
  assert.match(
    check(`${text}\n| **ZZ4** | in a table |`, carry("ZZ1", "ZZ2", "ZZ3")).join(),
    /write a rule as/,
  );
});

test("long files are found", () => {
  const lines = (count: number) => "x;\n".repeat(count);
  assert.deepEqual(sizeViolations([{ path: "io/x/src/a.ts", text: lines(400) }]), []);
  assert.equal(sizeViolations([{ path: "io/x/src/a.ts", text: lines(401) }]).length, 1);
  assert.deepEqual(sizeViolations([{ path: "io/x/src/a.test.ts", text: lines(401) }]), []);
});

test("leftover markers are found", () => {
  for (const [start, end] of [
    ["TO", "DO"],
    ["FIX", "ME"],
    ["XX", "X"],
  ]) {
    assert.deepEqual(markerViolations([{ path: "a.ts", text: `a\n// ${start}${end}: later` }]), [
      "a.ts:2: leftover marker",
    ]);
  }
  assert.deepEqual(markerViolations([{ path: "a.ts", text: "const todo = AUTODOC;" }]), []);
});

test("broken links are found; web links, code and headings that exist pass", () => {
  const pages = [
    {
      path: "docs/a.md",
      text: "# Top\n[b](../b.md#a-heading-its-own) [up](#top) [w](https://x.y) `[c](d.md)`",
    },
    {
      path: "b.md",
      text: "## A heading, its own\n```\n[no](nowhere.md)\n```\n[x](missing.md) [y](docs/a.md#none)",
    },
  ];
  assert.deepEqual(
    brokenLinks(pages, (path) => path !== "missing.md"),
    [
      "b.md: links to missing.md, which does not exist",
      "b.md: links to docs/a.md#none, and docs/a.md has no such heading",
    ],
  );
});

test("a test file that no group runs is found", () => {
  const found = unplacedTests(
    [{ path: "test/other/a.test.ts" }, { path: "io/x/src/d/a.test.ts" }],
    testGroups,
  );
  assert.equal(found.length, 1);
});
