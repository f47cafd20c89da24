import { SelvedgeError } from "../errors.ts";

/**
 * A secret and the root certificate to use it with, as text:
 * `<kind>.<base64url SHA-256 of the root's SPKI>.<id>.<base64url secret>`.
 */
export interface PinnedToken {
  /** SHA-256 of the root certificate's SubjectPublicKeyInfo (DER), 32 bytes, never truncated. */
  readonly rootPin: Uint8Array;
  /** Names the token to the coordinator; not secret. 8 to 32 of `a-z0-9`. */
  readonly id: string;
  /** 16 to 64 bytes. */
  readonly secret: Uint8Array;
}

/** One kind of token, and how its errors speak of it. */
export interface TokenKind {
  /** First part of the text: letters and a version, such as "svj1". */
  readonly prefix: string;
  /** With its article: "a join token". */
  readonly name: string;
  /** Place that errors name. */
  readonly at: string;
  /** The command that prints one. */
  readonly madeBy: string;
}

/** @throws SelvedgeError `invalid_argument` when a field is out of its range. */
export function formatPinnedToken(kind: TokenKind, token: PinnedToken): string {
  const { rootPin, id, secret } = token;
  if (rootPin.length !== pinBytes)
    throw malformed(kind, `its pin has ${rootPin.length} bytes, not ${pinBytes}`);
  checkId(kind, id);
  checkSecret(kind, secret);
  return [kind.prefix, toBase64url(rootPin), id, toBase64url(secret)].join(".");
}

/**
 * Surrounding white space is ignored, so that a token may come from a file.
 * The message of an error never repeats the token.
 *
 * @throws SelvedgeError `invalid_argument` naming the part that is wrong, or
 *   `unsupported` for a token of another version.
 */
export function parsePinnedToken(kind: TokenKind, text: string): PinnedToken {
  const [version, pinText, id, secretText, ...rest] = text.trim().split(".");
  if (version !== kind.prefix) throw notOurs(kind, version ?? "");
  if (pinText === undefined || id === undefined || secretText === undefined || rest.length > 0) {
    throw malformed(kind, "it does not have four parts separated by dots");
  }
  const rootPin = fromBase64url(kind, pinText, "pin");
  if (rootPin.length !== pinBytes) {
    throw malformed(
      kind,
      `its pin has ${rootPin.length} bytes, not ${pinBytes}: a shortened pin is never accepted`,
    );
  }
  checkId(kind, id);
  const secret = fromBase64url(kind, secretText, "secret");
  checkSecret(kind, secret);
  return { rootPin, id, secret };
}

function checkId(kind: TokenKind, id: string): void {
  if (!idPattern.test(id)) throw malformed(kind, "its id is not 8 to 32 lower-case letters and digits");
}

function checkSecret(kind: TokenKind, { length }: Uint8Array): void {
  if (length < 16 || length > 64) throw malformed(kind, `its secret has ${length} bytes, not 16 to 64`);
}

function notOurs(kind: TokenKind, version: string): SelvedgeError {
  const letters = kind.prefix.replace(/\d+$/, "");
  if (new RegExp(`^${letters}[0-9]+$`).test(version)) {
    return new SelvedgeError("unsupported", `the ${kind.at} has version "${version.slice(0, 8)}"`, {
      at: kind.at,
      fix: `use a version of Selvedge that reads it, or a token that begins with "${kind.prefix}."`,
    });
  }
  return malformed(kind, `it does not begin with "${kind.prefix}."`);
}

function malformed(kind: TokenKind, why: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `not ${kind.name}: ${why}`, {
    at: kind.at,
    fix: `copy the whole line that ${kind.madeBy} printed`,
  });
}

function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/** One text per value: `Buffer` alone would skip stray characters and trailing bits. */
function fromBase64url(kind: TokenKind, text: string, part: string): Uint8Array {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length === 0 || bytes.toString("base64url") !== text) {
    throw malformed(kind, `its ${part} is not base64url`);
  }
  return new Uint8Array(bytes);
}

const pinBytes = 32;
const idPattern = /^[a-z0-9]{8,32}$/;
