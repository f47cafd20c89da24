import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";

/** errno names and Node's own, by who has to act. */
const meanings: Readonly<Record<string, { code: ErrorCode; message: string; fix: string }>> = {
  ENOSPC: { code: "resource_exhausted", message: "the disk is full", fix: "free space on it" },
  EDQUOT: { code: "resource_exhausted", message: "the disk quota is used up", fix: "raise it or free space" },
  EMFILE: {
    code: "resource_exhausted",
    message: "too many open files",
    fix: "raise this process's limit (ulimit -n)",
  },
  EACCES: denied("this user may not use it"),
  EPERM: denied("this user may not use it"),
  EROFS: denied("the file system is read-only"),
  ERR_ACCESS_DENIED: denied("the process's own sandbox does not allow it"),
  ENOENT: {
    code: "not_found",
    message: "no such file or folder",
    fix: "check the path: its folder must exist too",
  },
  ENOTDIR: {
    code: "failed_precondition",
    message: "a part of the path is a file",
    fix: "give the path of a folder",
  },
  EISDIR: { code: "failed_precondition", message: "it is a folder", fix: "give the path of a file" },
  EIO: { code: "unavailable", message: "the disk failed", fix: "check the disk and the system log" },
};

/** One of ours from what `node:fs` threw while working on `path`. */
export function fileError(thrown: unknown, path: string): SelvedgeError {
  if (thrown instanceof SelvedgeError) return thrown;
  const meaning = meanings[errnoOf(thrown) ?? ""];
  if (meaning === undefined) return SelvedgeError.from(thrown);
  return new SelvedgeError(meaning.code, meaning.message, { at: path, fix: meaning.fix, cause: thrown });
}

/** "ENOENT" and the like; undefined when `thrown` is not a system error. */
export function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined;
}

function denied(message: string): { code: ErrorCode; message: string; fix: string } {
  return { code: "permission_denied", message, fix: "grant this process read and write permission on it" };
}
