import { SelvedgeError } from "@selvedge/protocol";
import { isTopicText, type TopicMatch, withoutShare } from "./topic-filter.ts";

/** What a template's placeholders become. */
export type TemplateValues = TopicMatch & { readonly model?: string };

/**
 * @param template a topic whose levels may be `{1}`, `{2}` … (what stood for each `+` of the filter), `{#}` (what stood
 *   for its `#`), `{topic}` or, where `model` is known, `{model}`
 * @throws SelvedgeError `invalid_argument` when it is none, or a placeholder has nothing to stand for
 */
export function checkTemplate(template: string, filter: string, at: string): void {
  const { levels, rest } = sampleMatch(filter);
  const problem = (what: string, fix: string): SelvedgeError =>
    new SelvedgeError("invalid_argument", `${at} "${template}" ${what}`, { at, fix });
  if (!isTopicText(template) || template === "" || template.startsWith("$")) {
    throw problem("is no topic", "name one, without $ at its front");
  }
  for (const level of template.split("/")) {
    const placeholder = /^\{(.+)\}$/.exec(level)?.[1];
    if (placeholder === undefined) {
      if (/[+#{}]/.test(level)) {
        throw problem(
          `has "${level}"`,
          "+ and # are for the filter; {1}, {#} and {topic} are levels of their own",
        );
      }
    } else if (placeholder === "#" ? rest === undefined : !isKnown(placeholder, levels.length)) {
      throw problem(
        `has ${level}, for which the filter "${filter}" has nothing`,
        "use {1} for its first +, {#} for its #, {topic} or {model}",
      );
    }
  }
}

/** The topic that a template becomes. */
export function fillTemplate(
  template: string,
  { topic, levels, rest = "", model = "" }: TemplateValues,
): string {
  return template
    .split("/")
    .flatMap((level) => {
      const placeholder = /^\{(.+)\}$/.exec(level)?.[1];
      if (placeholder === undefined) return level;
      if (placeholder === "topic") return topic;
      if (placeholder === "model") return model;
      // A # stands for no level too.
      if (placeholder === "#") return rest === "" ? [] : rest;
      return levels[Number(placeholder) - 1] ?? "";
    })
    .join("/");
}

function sampleMatch(filter: string): Pick<TopicMatch, "levels" | "rest"> {
  const levels = withoutShare(filter).split("/");
  return {
    levels: levels.filter((level) => level === "+"),
    rest: levels.includes("#") ? "" : undefined,
  };
}

function isKnown(placeholder: string, plusses: number): boolean {
  if (placeholder === "topic" || placeholder === "model") return true;
  return /^[1-9]\d?$/.test(placeholder) && Number(placeholder) <= plusses;
}
