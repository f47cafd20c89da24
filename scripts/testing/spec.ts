/** A numbered rule of core/protocol/SPEC.md. */
export interface SpecRule {
  readonly id: string;
  /** The heading it stands under, without its number. */
  readonly section: string;
  /** On one line. */
  readonly text: string;
}

/** The rules in their order; a line that only looks like one is not for here, but for test/tidy to complain about. */
export function specRules(spec: string): SpecRule[] {
  const rules: SpecRule[] = [];
  let section = "";
  for (const block of spec.split(/\n(?=- \*\*|## |\n)/)) {
    const heading = /^## (?:\d+\. )?(.+)/m.exec(block)?.[1];
    if (heading !== undefined) section = heading;
    const [, id, text] = /^- \*\*([A-Z]{2}\d+)\*\* (\S.*)$/s.exec(block.trim()) ?? [];
    if (id !== undefined && text !== undefined)
      rules.push({ id, section, text: text.replaceAll(/\s+/g, " ") });
  }
  return rules;
}
