import { SelvedgeError } from "@selvedge/protocol";

/** A database to connect to. Only `name` may be shown: the URL can hold a password. */
export interface PostgresAddress {
  readonly url: string;
  /** User, host, port and database, for messages and logs. */
  readonly name: string;
}

/**
 * Checks a `postgres://` URL. What is wrong with it is said without repeating it.
 * @throws SelvedgeError `invalid_argument`
 */
export function parsePostgresUrl(url: string): PostgresAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(?:ql)?:$/.test(parsed.protocol)) {
    throw refused("it is not a postgres:// URL");
  }
  const database = decode(parsed.pathname.slice(1));
  if (database === "") throw refused("it names no database");
  const host = decode(parsed.hostname) || parsed.searchParams.get("host") || "localhost";
  const user = parsed.username === "" ? "" : `${decode(parsed.username)}@`;
  const port = parsed.port === "" ? "" : `:${parsed.port}`;
  return { url, name: `postgres://${user}${host}${port}/${database}` };
}

/** How a database is called in messages and logs: its URL without password and options. @throws as `parsePostgresUrl` */
export function postgresName(url: string): string {
  return parsePostgresUrl(url).name;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused("a % in it is not followed by two hexadecimal digits");
  }
}

function refused(reason: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `the store's address cannot be used: ${reason}`, {
    fix: "give postgres://USER:PASSWORD@HOST/DATABASE, special characters in it percent-encoded",
  });
}
