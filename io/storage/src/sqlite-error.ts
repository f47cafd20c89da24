import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";

/** Primary result codes, https://www.sqlite.org/rescode.html. */
const meanings: ReadonlyMap<number, { code: ErrorCode; message: string; fix: string }> = new Map([
  [
    5,
    {
      code: "unavailable",
      message: "the database is open in another process",
      fix: "stop the other process that uses this folder, or give this one a folder of its own",
    },
  ],
  [
    8,
    {
      code: "permission_denied",
      message: "the database is read-only",
      fix: "give this user write permission on the file and its folder",
    },
  ],
  [10, { code: "unavailable", message: "the disk failed", fix: "check the disk and the system log" }],
  [
    11,
    {
      code: "corrupt",
      message: "the database is damaged",
      fix: "move it away and bring it back from a backup: selvedge restore. A device starts without it",
    },
  ],
  [
    13,
    {
      code: "resource_exhausted",
      message: "the database or its disk is full",
      fix: "free space on the disk, or raise the database's bytesMax",
    },
  ],
  [
    14,
    {
      code: "permission_denied",
      message: "the database cannot be opened",
      fix: "check that it is a file, that its folder exists and that this user may write there",
    },
  ],
  [
    26,
    {
      code: "corrupt",
      message: "the file is not a database",
      fix: "move it away (it was left untouched), or give another path",
    },
  ],
]);

/** One of ours from what `node:sqlite` threw while working on `path`. */
export function sqliteError(thrown: unknown, path: string): SelvedgeError {
  if (thrown instanceof SelvedgeError) return thrown;
  // The low byte of an extended result code is its primary code.
  const meaning = hasResultCode(thrown) ? meanings.get(thrown.errcode & 0xff) : undefined;
  if (meaning === undefined) return SelvedgeError.from(thrown);
  return new SelvedgeError(meaning.code, meaning.message, { at: path, fix: meaning.fix, cause: thrown });
}

function hasResultCode(thrown: unknown): thrown is { errcode: number } {
  return thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number";
}
