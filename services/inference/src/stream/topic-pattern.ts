import { withoutShare } from "./topic-filter.ts";

/** How a topic filter's or a template's levels look, any topic being a path of levels (MQTT 5.0, section 4.7). */
export type TopicPattern = readonly Level[];
type Level = { readonly text: string } | "one" | "any";

/** All topics that a filter matches. */
export function patternOfFilter(filter: string): TopicPattern {
  return withoutShare(filter).split("/").map(levelOf);
}

/** All topics that a template may become where `filter` matched. */
export function patternOfTemplate(template: string, filter: string): TopicPattern {
  return template.split("/").flatMap((level): TopicPattern => {
    if (level === "{topic}") return patternOfFilter(filter);
    if (level === "{#}") return ["any"];
    return [/^\{.+\}$/.test(level) ? "one" : { text: level }];
  });
}

/** Whether some topic fits both. */
export function overlap([first, ...rest]: TopicPattern, other: TopicPattern): boolean {
  const [head, ...tail] = other;
  if (first === undefined) return other.every((level) => level === "any");
  if (first === "any") {
    return overlap(rest, other) || (head !== undefined && overlap([first, ...rest], tail));
  }
  if (head === undefined) return false;
  if (head === "any") return overlap(other, [first, ...rest]);
  const isAlike = first === "one" || head === "one" || first.text === head.text;
  return isAlike && overlap(rest, tail);
}

function levelOf(level: string): Level {
  if (level === "+") return "one";
  return level === "#" ? "any" : { text: level };
}
