// The rules that no compiler checks. Each checker is proven on planted violations in test/tidy/*.test.ts.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Lockfile, missingOptionalPackages } from "../scripts/lockfile.ts";
import { root, testGroups } from "../scripts/testing/groups.ts";
import { nameViolations } from "./tidy/file-names.ts";
import { dependencyCycles, importViolations } from "./tidy/layers.ts";
import { brokenLinks } from "./tidy/links.ts";
import { markerViolations } from "./tidy/markers.ts";
import { readWorkspace } from "./tidy/packages.ts";
import { impurities } from "./tidy/pure-core.ts";
import { readFiles, readSourceFiles, type Violation } from "./tidy/repository.ts";
import { sizeViolations } from "./tidy/sizes.ts";
import { specViolations } from "./tidy/spec-rules.ts";
import { unplacedTests } from "./tidy/test-placement.ts";

const sources = readSourceFiles();
const workspace = readWorkspace();

test("imports are declared, go downward, and name other packages", () => {
  none(importViolations(sources, workspace));
});

test("packages do not depend on each other in a circle", () => {
  none(dependencyCycles(workspace));
});

test("core is pure", () => {
  none(impurities(sources));
});

test("files are named in kebab-case after what they hold", () => {
  none(nameViolations(sources));
});

test("every rule of SPEC.md has a test, and every id in a test is a rule", () => {
  const path = "core/protocol/SPEC.md";
  none(specViolations({ path, text: readFileSync(join(root, path), "utf8") }, sources));
});

test("files stay small", () => {
  none(sizeViolations(sources));
});

test("nothing is marked as left to do", () => {
  none(markerViolations(readFiles("**/*.{ts,mjs,sh,proto,yaml,yml,json}")));
});

test("links between pages resolve", () => {
  none(brokenLinks(readFiles("**/*.md"), (path) => existsSync(join(root, path))));
});

test("npm test runs every test file", () => {
  none(unplacedTests(sources, testGroups));
});

test("the lockfile names the optional packages of every platform, so that npm ci accepts it", () => {
  const lockfile = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lockfile;
  assert.deepEqual(missingOptionalPackages(lockfile), [], "run npm run complete-lockfile");
});

function none(violations: readonly Violation[]): void {
  if (violations.length > 0) assert.fail(`${violations.length} violations\n${violations.join("\n")}`);
}
