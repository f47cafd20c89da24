import { readFile } from "node:fs/promises";
import { SelvedgeError } from "@selvedge/protocol";
import { LineCounter, parseDocument } from "yaml";
import type { z } from "zod";

const bytesMax = 1_048_576;

/**
 * Reads one YAML file and checks it against a schema; unknown keys are errors.
 *
 * @throws SelvedgeError `not_found`, `too_large`, or `invalid_argument` with file, line and field.
 */
export async function readYaml<Output>(path: string, schema: z.ZodType<Output>): Promise<Output> {
  const text = await readText(path);
  if (text.length > bytesMax) {
    throw new SelvedgeError("too_large", `${text.length} characters of configuration; at most ${bytesMax}`, {
      at: path,
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new SelvedgeError("invalid_argument", `not valid YAML: ${broken.message}`, { at: path });
  }
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join(".") ?? "";
  const range = document.getIn(issue?.path ?? [], true);
  const line = lineOf(range, lines);
  throw new SelvedgeError("invalid_argument", `${field || "the file"}: ${issue?.message ?? "is not valid"}`, {
    at: line === undefined ? path : `${path}:${line}`,
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new SelvedgeError("not_found", "the configuration file cannot be read", { at: path, cause });
  }
}

function lineOf(node: unknown, lines: LineCounter): number | undefined {
  const range = (node as { range?: readonly number[] } | undefined)?.range;
  return range?.[0] === undefined ? undefined : lines.linePos(range[0]).line;
}
