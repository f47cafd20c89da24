import { closest, distance } from "fastest-levenshtein";
import type { z } from "zod";
import { schemaKeysAt, valueAt } from "./schema-keys.ts";

type Issue = z.core.$ZodIssue;

export interface SchemaComplaint {
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly fix?: string;
}

/** The one complaint about a value to be told of all that a schema has: what is wrong, where, and what was meant. */
export function schemaComplaint(found: readonly Issue[], schema: z.ZodType, value: unknown): SchemaComplaint {
  const issues = found.flatMap((issue) => ofTheFormMeant(issue, value));
  // A misspelt key is also a missing one; the spelling is what to correct.
  const unknown = issues.find((issue) => issue.code === "unrecognized_keys");
  if (unknown !== undefined) {
    const [key = ""] = unknown.keys;
    const path = [...unknown.path, key];
    const known = schemaKeysAt(schema, unknown.path, value);
    return { message: `unknown key "${path.join(".")}"`, path, fix: suggestion(key, known) };
  }
  const [issue] = issues;
  if (issue === undefined) return { message: "the file is not valid", path: [] };
  return { path: issue.path, ...wrongValue(issue, schema, issue.path.reduce(valueAt, value)) };
}

/** Of a value that may have several forms, what is wrong with it in the one that it has. */
function ofTheFormMeant(issue: Issue, value: unknown): readonly Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const isText = typeof issue.path.reduce(valueAt, value) === "string";
  const isOtherForm = ({ code, path }: Issue): boolean =>
    path.length === 0 && (code === "invalid_type" || (code === "invalid_value" && !isText));
  const meant = issue.errors.find((form) => !form.some(isOtherForm));
  if (meant === undefined) return [issue];
  return meant.flatMap((inner) => ofTheFormMeant({ ...inner, path: [...issue.path, ...inner.path] }, value));
}

function wrongValue(issue: Issue, schema: z.ZodType, given: unknown): Omit<SchemaComplaint, "path"> {
  const field = issue.path.join(".") || "the file";
  const choices = choicesOf(issue);
  const isWrongType = issue.code === "invalid_type";
  if (given === undefined && (isWrongType || choices.length > 0)) {
    return { message: `${field} is missing`, ...(choices.length > 0 && { fix: listed(choices) }) };
  }
  if (choices.length > 0 && typeof given === "string") {
    const text = given.slice(0, 80);
    return { message: `${field}: there is no "${text}"`, fix: suggestion(text, choices) };
  }
  const keys = isWrongType && issue.expected === "object" ? schemaKeysAt(schema, issue.path) : [];
  if (keys.length > 0)
    return { message: `${field}: takes keys and values, not one value`, fix: listed(keys) };
  return { message: `${field}: ${issue.message}` };
}

/** What a value has to be one of; empty where it may be anything of its type. */
function choicesOf(issue: Issue): readonly string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  if (issue.code !== "invalid_union" || !("options" in issue)) return [];
  return Array.isArray(issue.options) ? issue.options.map(String) : [];
}

/** The nearest there is, unless even that is far off; and all of them. */
function suggestion(given: string, known: readonly string[]): string {
  if (known.length === 0) return "remove it";
  const word = given.toLowerCase();
  const words = known.map((each) => each.toLowerCase());
  const near = closest(word, words);
  const meant = distance(word, near) <= word.length / 2 ? known[words.indexOf(near)] : undefined;
  return `${meant === undefined ? "" : `did you mean "${meant}"? `}${listed(known)}`;
}

function listed(known: readonly string[]): string {
  return `there are: ${known.join(", ")}`;
}
