/**
 * A page with the text between `<!-- generated: NAME -->` and `<!-- end: NAME -->` replaced; the rest is written by hand.
 *
 * @throws Error where the page has no such part
 */
export function withGeneratedPart(page: string, name: string, text: string): string {
  const begin = `<!-- generated: ${name} -->`;
  const end = `<!-- end: ${name} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`there is no part between ${begin} and ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}
