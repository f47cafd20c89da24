import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../testing/groups.ts";
import { compatibilityText } from "./compatibility.ts";
import { withGeneratedPart } from "./generated-part.ts";

/** Pages of docs/ that have a part made from code, by path, as they must be. */
export function generatedPages(): { readonly path: string; readonly text: string }[] {
  return parts.map(({ path, name, text }) => {
    const file = join(root, path);
    return { path: file, text: withGeneratedPart(readFileSync(file, "utf8"), name, text()) };
  });
}

const parts = [{ path: "docs/reference/job.md", name: "compatibility", text: compatibilityText }];
