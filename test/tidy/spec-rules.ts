import { specRules } from "../../scripts/testing/spec.ts";
import type { RepositoryFile, SourceFile, Violation } from "./repository.ts";

/** Every rule of SPEC.md is carried by a test whose name begins with its id, and every id in a test is a rule. */
export function specViolations(spec: RepositoryFile, files: readonly SourceFile[]): Violation[] {
  const rules = specRules(spec.text).map(({ id }) => id);
  const tested = files.flatMap(({ path, code }) => [...new Set(testedIds(code))].map((id) => ({ id, path })));
  return [
    ...malformedRules(spec),
    ...rules
      .filter((id, index) => rules.indexOf(id) !== index)
      .map((id): Violation => `${spec.path}: ${id} stands for two rules`),
    ...rules
      .filter((id) => tested.every((test) => test.id !== id))
      .map((id): Violation => `${spec.path}: no test carries ${id}`),
    ...tested
      .filter(({ id }) => !rules.includes(id))
      .map(({ id, path }): Violation => `${path}: a test carries ${id}, which is no rule of ${spec.path}`),
  ];
}

function malformedRules({ path, text }: RepositoryFile): Violation[] {
  return text.split("\n").flatMap((line, index): Violation[] => {
    const looksLikeRule =
      /\*\*\[?[A-Z]{2}\d+/.test(line.replaceAll(/`[^`]*`/g, "")) && !/^- \*\*[A-Z]{2}\d+\*\* \S/.test(line);
    return looksLikeRule ? [`${path}:${index + 1}: write a rule as "- **EN1** text"`] : [];
  });
}

/** The ids in `test("[EN3] [AK1] …")`, and in `it`, `describe`, `t.test` and the `check` of contract suites alike. */
function testedIds(code: string): string[] {
  return [...code.matchAll(/\b(?:test|it|describe|check)\(\s*["'`]((?:\[[A-Z]{2}\d+\]\s*)+)/g)].flatMap(
    (match) => [...(match[1] ?? "").matchAll(/[A-Z]{2}\d+/g)].map(([id]) => id),
  );
}
