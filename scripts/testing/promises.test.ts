import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./groups.ts";
import { promisesPage } from "./promises.ts";

test("each rule has a row with its tests and how they ended", () => {
  const file = join(root, "core/a.test.ts");
  const page = promisesPage(
    [
      { id: "EN1", section: "Enrolment", text: "A `a|b` token." },
      { id: "EN2", section: "Enrolment", text: "Another." },
      { id: "BL1", section: "Blobs", text: "Last." },
    ],
    {
      results: [
        { kind: "passed", name: "suite > [EN1] [BL1] both", file },
        { kind: "failed", name: "[EN1] again", file },
        { kind: "passed", name: "unnumbered", file },
      ],
      date: "2026-11-24",
      commit: "abc1234",
      platform: "linux x64",
    },
  );
  const tests = "`core/a.test.ts`";
  assert.match(page, /^Last run: 2026-11-24, commit abc1234, linux x64\.$/m);
  const rows = page.split("\n").filter((line) => /^\| [A-Z]{2}\d/.test(line));
  assert.deepEqual(rows, [
    `| EN1 | A \`a\\|b\` token. | ${tests} | 1 passed, 1 failed |`,
    "| EN2 | Another. |  | not run |",
    `| BL1 | Last. | ${tests} | 1 passed |`,
  ]);
});
