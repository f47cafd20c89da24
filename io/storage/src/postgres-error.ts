import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";
import { errnoOf } from "./file-error.ts";

interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string;
}

/** SQLSTATEs, whole or by class, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const meanings: Readonly<Record<string, Meaning>> = {
  "25006": {
    code: "permission_denied",
    message: "the database is read-only",
    fix: "connect to the primary server, and let this user write there",
  },
  "28": {
    code: "permission_denied",
    message: "the database server does not let this user in",
    fix: "check user and password, and the server's pg_hba.conf",
  },
  "3D": {
    code: "not_found",
    message: "there is no such database",
    fix: "create it first: createdb --owner USER DATABASE",
  },
  "42501": {
    code: "permission_denied",
    message: "the user may not do this in the database",
    fix: "make the user the owner of the database",
  },
  "53": {
    code: "resource_exhausted",
    message: "the database server has no room left",
    fix: "free space on its disk, or raise its limit on connections",
  },
  "54": { code: "resource_exhausted", message: "a limit of the database server is passed", fix: "raise it" },
  "58": {
    code: "unavailable",
    message: "the disk of the database server failed",
    fix: "check its disk and its log",
  },
  XX001: corrupt(),
  XX002: corrupt(),
};

/** One of ours from what `pg` threw while working on the database called `name`. */
export function postgresError(thrown: unknown, name: string): SelvedgeError {
  if (thrown instanceof SelvedgeError) return thrown;
  const state = sqlStateOf(thrown);
  const meaning = isLost(thrown) ? lost(thrown) : (meanings[state] ?? meanings[state.slice(0, 2)]);
  if (meaning === undefined) return SelvedgeError.from(thrown);
  return new SelvedgeError(meaning.code, meaning.message, { at: name, fix: meaning.fix, cause: thrown });
}

/** Whether the connection is gone, so that nothing is known of what it was doing. */
export function isLost(thrown: unknown): boolean {
  if (thrown instanceof SelvedgeError) return false;
  const state = sqlStateOf(thrown);
  // 57P01 to 57P03 and 57P05: the server ends this session, or is starting.
  return state === "" || state.startsWith("08") || /^57P0[1-35]$/.test(state);
}

/** "" when the server did not say it. */
function sqlStateOf(thrown: unknown): string {
  const isServers = thrown instanceof Error && "severity" in thrown && "code" in thrown;
  return isServers && typeof thrown.code === "string" ? thrown.code : "";
}

function lost(thrown: unknown): Meaning {
  const reason = errnoOf(thrown) ?? (thrown instanceof Error ? thrown.message : String(thrown));
  return {
    code: "unavailable",
    message: `the database cannot be reached (${reason})`,
    fix: "check that the server runs, its host and its port",
  };
}

function corrupt(): Meaning {
  return {
    code: "corrupt",
    message: "the database is damaged",
    fix: "restore it from a backup: selvedge restore",
  };
}
