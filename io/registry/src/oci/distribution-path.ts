import { type Digest, isDigest } from "@selvedge/protocol";
import { DistributionError } from "./distribution-error.ts";

/** What a path under `/v2/` asks for (distribution-spec v1.1, Endpoints). */
export type DistributionPath =
  | { readonly kind: "ping" }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: Reference }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: Digest }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: Digest }
  /** `id` is empty where an upload begins. */
  | { readonly kind: "upload"; readonly repository: string; readonly id: string };

export type Reference = { readonly digest: Digest } | { readonly tag: string };

export const distributionRoot = "/v2/";
/** Where clients get a token; no repository is called so, for it has nothing after its name. */
export const tokenPath = "/v2/token";

/**
 * @throws DistributionError `NAME_INVALID`, `DIGEST_INVALID`, `MANIFEST_INVALID` for what is malformed,
 *   `UNSUPPORTED` for a path that the specification does not have.
 */
export function parseDistributionPath(path: string): DistributionPath {
  const rest = path.slice(distributionRoot.length);
  if (rest === "") return { kind: "ping" };
  const match = /^(.+)\/(?:(manifests|blobs|referrers)\/([^/]+)|(tags\/list)|blobs\/uploads\/([^/]*))$/.exec(
    rest,
  );
  const [, repository, kind, name = "", tags, upload] = match ?? [];
  if (repository === undefined) throw unknownPath(path);
  checkRepository(repository);
  if (tags !== undefined) return { kind: "tags", repository };
  if (upload !== undefined) return { kind: "upload", repository, id: upload };
  if (kind === "manifests") return { kind: "manifest", repository, reference: referenceOf(name) };
  return { kind: kind === "blobs" ? "blob" : "referrers", repository, digest: digestIn(name) };
}

/** @throws DistributionError `MANIFEST_INVALID`, `DIGEST_INVALID`. */
function referenceOf(text: string): Reference {
  if (text.includes(":")) return { digest: digestIn(text) };
  if (/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text)) return { tag: text };
  throw new DistributionError("MANIFEST_INVALID", `not a tag: "${text.slice(0, 80)}"`);
}

/** @throws DistributionError `DIGEST_INVALID`. */
export function digestIn(text: string): Digest {
  if (isDigest(text)) return text;
  throw new DistributionError("DIGEST_INVALID", `not a SHA-256 digest: "${text.slice(0, 80)}"`);
}

/** @throws DistributionError `NAME_INVALID`. */
export function checkRepository(name: string): void {
  if (name.length <= repositoryLengthMax && repositoryPattern.test(name)) return;
  throw new DistributionError("NAME_INVALID", `not a repository's name: "${name.slice(0, 80)}"`);
}

function unknownPath(path: string): DistributionError {
  return new DistributionError("UNSUPPORTED", "the registry has no such path", { at: path.slice(0, 200) });
}

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const repositoryLengthMax = 200;
