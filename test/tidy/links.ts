import { posix } from "node:path";
import type { RepositoryFile, Violation } from "./repository.ts";

/**
 * Checks relative links of Markdown pages: the file or folder exists, and the heading that `#…` names.
 * @param exists tells of a path relative to the root whether it is there
 */
export function brokenLinks(
  pages: readonly RepositoryFile[],
  exists: (path: string) => boolean,
): Violation[] {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return pages.flatMap(({ path, text }) =>
    linksOf(text).flatMap((link): Violation[] => {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : posix.join(posix.dirname(path), decodeURI(file));
      if (!exists(target)) return [`${path}: links to ${link}, which does not exist`];
      const page = byPath.get(target);
      if (anchor === undefined || page === undefined || headingAnchors(page.text).includes(anchor)) return [];
      return [`${path}: links to ${link}, and ${target} has no such heading`];
    }),
  );
}

function linksOf(text: string): string[] {
  const targets = [...withoutCode(text).matchAll(/\]\(<?([^)\s>]+)>?(?:\s"[^"]*")?\)/g)].map(
    (match) => match[1] ?? "",
  );
  return targets.filter((target) => !/^([a-z]+:|\/)/.test(target));
}

/** As GitHub makes them: lower case, punctuation dropped, spaces to hyphens. */
function headingAnchors(text: string): string[] {
  return [...withoutFences(text).matchAll(/^#{1,6} (.+)$/gm)].map((match) =>
    (match[1] ?? "")
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, "");
}

function withoutFences(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, "");
}
