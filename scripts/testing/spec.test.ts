import assert from "node:assert/strict";
import { test } from "node:test";
import { specRules } from "./spec.ts";

test("rules are read with their section, whole, whatever stands between them", () => {
  const spec = `# Spec

## 1. Words

- **not** a rule

## 2. Enrolment

- **EN1** A token
  on two lines.
- **EN2** Another.

Prose.

## 10. Blobs

- **BL1** Last.
`;
  assert.deepEqual(specRules(spec), [
    { id: "EN1", section: "Enrolment", text: "A token on two lines." },
    { id: "EN2", section: "Enrolment", text: "Another." },
    { id: "BL1", section: "Blobs", text: "Last." },
  ]);
});
