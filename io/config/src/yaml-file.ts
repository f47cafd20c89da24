import { type ErrorDetails, SelvedgeError } from "@selvedge/protocol";
import { type Document, isMap, isNode, isScalar, LineCounter, parse, parseDocument } from "yaml";
import type { z } from "zod";
import { schemaComplaint } from "./schema-complaint.ts";

type Path = readonly PropertyKey[];

/** A YAML text that knows where its values stand, and which of them came from `--set`. */
export class YamlFile {
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #path: string;
  readonly #overrides: readonly Override[];

  private constructor(document: Document, lines: LineCounter, path: string, overrides: readonly Override[]) {
    this.#document = document;
    this.#lines = lines;
    this.#path = path;
    this.#overrides = overrides;
  }

  /**
   * @param path - what messages call the text
   * @param sets - "key.path=value" each; the value is YAML and replaces what the text says
   * @throws SelvedgeError `invalid_argument` with file and line
   */
  static parse(text: string, path: string, sets: readonly string[] = []): YamlFile {
    const lines = new LineCounter();
    const document = documentOf(text, path, lines);
    const [broken] = document.errors;
    if (broken !== undefined) {
      const at = `${path}:${broken.linePos?.[0].line ?? 1}`;
      const [firstLine = ""] = broken.message.split(" at line ");
      throw new SelvedgeError("invalid_argument", `not valid YAML: ${firstLine}`, { at, cause: broken });
    }
    // An empty file, or one of comments alone, says nothing.
    const isEmpty =
      document.contents === null || (isScalar(document.contents) && document.contents.value === null);
    if (!isEmpty && !isMap(document.contents)) {
      throw new SelvedgeError("invalid_argument", "not a list of keys and values", { at: `${path}:1` });
    }
    const overrides = sets.map(parseOverride);
    for (const { keys, value, source } of overrides) setIn(document, keys, value, source);
    return new YamlFile(document, lines, path, overrides);
  }

  /** Plain values. @throws SelvedgeError `invalid_argument` for aliases that grow without bound. */
  toValue(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: 100 }) ?? {};
    } catch (cause) {
      throw new SelvedgeError("invalid_argument", "aliases that lead nowhere, or too many", {
        at: this.#path,
        cause,
      });
    }
  }

  /**
   * @returns what the file says, as the schema has it
   * @throws SelvedgeError `invalid_argument` for the first of the schema's complaints, with its line and, for
   *   an unknown key, the one that was meant
   */
  check<Output>(schema: z.ZodType<Output>): Output {
    const value = this.toValue();
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const { message, path, fix } = schemaComplaint(parsed.error.issues, schema, value);
    throw this.#invalid(message, path, fix);
  }

  #invalid(message: string, path: Path, fix: string | undefined): SelvedgeError {
    const details: ErrorDetails = { at: this.#positionOf(path), ...(fix !== undefined && { fix }) };
    return new SelvedgeError("invalid_argument", message, details);
  }

  #positionOf(path: Path): string {
    const override = this.#overrides.findLast(({ keys }) =>
      keys.every((key, index) => String(path[index]) === key),
    );
    if (override !== undefined) return override.source;
    const offset = offsetOf(this.#document.contents, path);
    return `${this.#path}:${this.#lines.linePos(offset).line}`;
  }
}

function documentOf(text: string, path: string, lines: LineCounter): Document {
  try {
    return parseDocument(text, { lineCounter: lines, uniqueKeys: true, logLevel: "error" });
  } catch (cause) {
    // The parser descends once for each level, until the stack ends.
    throw new SelvedgeError("invalid_argument", "not valid YAML: nested too deeply", { at: path, cause });
  }
}

interface Override {
  readonly keys: readonly string[];
  readonly value: unknown;
  /** As it was typed, for messages. */
  readonly source: string;
}

function parseOverride(set: string): Override {
  const source = `--set ${set}`;
  const [, path, text] = /^([\w-]+(?:\.[\w-]+)*)=(.*)$/s.exec(set) ?? [];
  if (path === undefined || text === undefined) {
    throw new SelvedgeError("invalid_argument", "not a key and a value", {
      at: source,
      fix: "write --set key=value, or --set key.inner=value",
    });
  }
  try {
    return { keys: path.split("."), value: parse(text), source };
  } catch (cause) {
    // Besides errors of its own the parser throws for aliases without an anchor, and where the stack ends.
    throw new SelvedgeError("invalid_argument", "the value is not valid YAML", {
      at: source.slice(0, 80),
      cause,
    });
  }
}

function setIn(document: Document, keys: readonly string[], value: unknown, source: string): void {
  const blocking = keys.findIndex((_, index) => {
    const node = index === 0 ? undefined : document.getIn(keys.slice(0, index), true);
    return node !== undefined && !isMap(node);
  });
  if (blocking !== -1) {
    throw new SelvedgeError(
      "invalid_argument",
      `"${keys.slice(0, blocking).join(".")}" has no keys of its own`,
      {
        at: source,
      },
    );
  }
  document.setIn(keys, value);
}

/** Where the deepest part of a path that is in the text begins: a key, or an entry of a list. */
function offsetOf(contents: unknown, path: Path): number {
  let node = contents;
  let offset = 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else {
      node = (node as { items?: readonly unknown[] } | undefined)?.items?.[Number(step)];
      offset = startOf(node) ?? offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
