import assert from "node:assert/strict";
import { test } from "node:test";
import { dependencyCycles, importViolations } from "./layers.ts";
import type { Workspace, WorkspacePackage } from "./packages.ts";
import { sourceFile } from "./repository.ts";

function pack(folder: string, dependencies: string[], devDependencies: string[] = []): WorkspacePackage {
  const [layer = "", name = layer] = folder.split("/");
  const sets = { dependencies: new Set(dependencies), devDependencies: new Set(devDependencies) };
  return { name: `@x/${name}`, folder, layer, ...sets };
}

const workspace: Workspace = {
  packages: [
    pack("core/base", ["zod"], ["@x/testkit"]),
    pack("core/upward", ["@x/disk"]),
    pack("io/disk", ["@x/base", "@x/testkit"]),
    pack("testkit", ["@x/base", "@x/disk"]),
  ],
  devDependencies: new Set(["fast-check"]),
};

function complaints(path: string, code: string): string[] {
  return importViolations([sourceFile(path, code)], workspace).map(
    (violation) => violation.split(": ")[2] ?? "",
  );
}

test("an import of a declared package in a lower layer passes, in every form", () => {
  const forms = ['import { a } from "@x/base";', 'import {\n  a,\n} from "@x/base";', 'import "@x/base";'];
  const more = ['export type { A } from "@x/base";', 'const a = await import("@x/base");'];
  for (const code of [...forms, ...more]) assert.deepEqual(complaints("io/disk/src/a.ts", code), [], code);
});

test("an undeclared import is found, in every form", () => {
  const forms = ['import { a } from "yaml";', 'import {\n  a,\n} from "yaml/sub";', 'import "yaml";'];
  const more = ['export type { A } from "yaml";', '  const a = await import("yaml");'];
  for (const code of [...forms, ...more]) {
    assert.deepEqual(complaints("io/disk/src/a.ts", code), [
      "declare it in the dependencies of io/disk/package.json",
    ]);
  }
});

test("an import in a comment is none", () => {
  assert.deepEqual(complaints("io/disk/src/a.ts", '// see\n/*\nimport "yaml";\n*/\n'), []);
});

test("an import upward is found, even when declared", () => {
  assert.deepEqual(complaints("core/upward/src/a.ts", 'import "@x/disk";'), ["core must not depend on io"]);
});

test("the testkit is refused outside tests, even when declared", () => {
  assert.deepEqual(complaints("io/disk/src/a.ts", 'import "@x/testkit";'), ["the testkit is for tests"]);
  assert.deepEqual(complaints("io/disk/src/a.test.ts", 'import "@x/testkit";'), []);
});

test("development dependencies are for tests only", () => {
  assert.deepEqual(complaints("core/base/src/a.test.ts", 'import "fast-check";\nimport "@x/testkit";'), []);
  assert.equal(complaints("core/base/src/a.ts", 'import "fast-check";\nimport "@x/testkit";').length, 2);
  assert.equal(complaints("core/base/src/a.test.ts", 'import "@x/disk";').length, 1);
});

test("another package is imported by name, never by path", () => {
  const byPath = 'import { a } from "../../../core/base/src/a.ts";';
  for (const path of ["io/disk/src/deep/a.ts", "io/disk/src/a.test.ts"]) {
    assert.equal(complaints(path, byPath.replace("../", path.includes("deep") ? "../../" : "../")).length, 1);
  }
  assert.equal(complaints("test/e2e/a.test.ts", byPath.replace("../", "")).length, 1);
  assert.deepEqual(complaints("io/disk/src/deep/a.ts", 'import { b } from "../b.ts";'), []);
});

test("shipped code imports no test code, and no package imports itself by name", () => {
  assert.equal(complaints("io/disk/src/a.ts", 'import "./b.fixture.ts";').length, 1);
  assert.equal(complaints("io/disk/src/a.ts", 'import "@x/disk";').length, 1);
});

test("a circle of packages is found, and each member named", () => {
  const packages = [
    pack("io/a", ["@x/b"]),
    pack("io/b", ["@x/c"]),
    pack("io/c", ["@x/a"]),
    pack("io/d", ["@x/a"]),
  ];
  const found = dependencyCycles({ packages, devDependencies: new Set() });
  assert.deepEqual(
    found.map((violation) => violation.slice(0, 4)),
    ["io/a", "io/b", "io/c"],
  );
});
