import { choices, type Exclusion, exclusions } from "@selvedge/learning";

/** The table of what a job cannot choose together, in Markdown, and what there is to choose from. */
export function compatibilityText(): string {
  return [
    ...choiceLines(),
    "",
    "| this | does not go with | because | instead |",
    "|---|---|---|---|",
    ...rows(),
  ].join("\n");
}

function choiceLines(): string[] {
  const parts = Map.groupBy(choices, (choice) => choice.split(": ")[0] ?? "");
  return [...parts].map(
    ([part, all]) => `- \`${part}\`: ${code(all.map((choice) => choice.slice(part.length + 2)))}`,
  );
}

function rows(): string[] {
  return exclusions.map(
    ({ these, those, reason, fix }: Exclusion) => `| ${code(these)} | ${code(those)} | ${reason} | ${fix} |`,
  );
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}
