import { SelvedgeError } from "../errors.ts";

/**
 * What an operator hands to a device's owner: which root certificate to trust,
 * and the secret that proves the invitation. As text:
 * `svj1.<base64url SHA-256 of the root's SPKI>.<id>.<base64url secret>`.
 */
export interface JoinToken {
  /** SHA-256 of the root certificate's SubjectPublicKeyInfo (DER), 32 bytes, never truncated. */
  readonly rootPin: Uint8Array;
  /** Names the token to the coordinator; not secret. 8 to 32 of `a-z0-9`. */
  readonly id: string;
  /** 16 to 64 bytes. It never travels; see `enrolmentMac`. */
  readonly secret: Uint8Array;
}

/** @throws SelvedgeError `invalid_argument` when a field is out of its range. */
export function formatJoinToken(token: JoinToken): string {
  const { rootPin, id, secret } = token;
  if (rootPin.length !== pinBytes) throw malformed(`its pin has ${rootPin.length} bytes, not ${pinBytes}`);
  if (!idPattern.test(id)) throw malformed("its id is not 8 to 32 lower-case letters and digits");
  if (!isSecretLength(secret.length)) throw malformed(`its secret has ${secret.length} bytes, not 16 to 64`);
  return [prefix, toBase64url(rootPin), id, toBase64url(secret)].join(".");
}

/**
 * Surrounding white space is ignored, so that a token may come from a file.
 * The message of an error never repeats the token.
 *
 * @throws SelvedgeError `invalid_argument` naming the part that is wrong, or
 *   `unsupported` for a token of another version.
 */
export function parseJoinToken(text: string): JoinToken {
  const [version, pinText, id, secretText, ...rest] = text.trim().split(".");
  if (version !== prefix) throw notOurs(version ?? "");
  if (pinText === undefined || id === undefined || secretText === undefined || rest.length > 0) {
    throw malformed("it does not have four parts separated by dots");
  }
  const rootPin = fromBase64url(pinText, "pin");
  if (rootPin.length !== pinBytes) {
    throw malformed(
      `its pin has ${rootPin.length} bytes, not ${pinBytes}: a shortened pin is never accepted`,
    );
  }
  if (!idPattern.test(id)) throw malformed("its id is not 8 to 32 lower-case letters and digits");
  const secret = fromBase64url(secretText, "secret");
  if (!isSecretLength(secret.length)) throw malformed(`its secret has ${secret.length} bytes, not 16 to 64`);
  return { rootPin, id, secret };
}

function isSecretLength(bytes: number): boolean {
  return bytes >= 16 && bytes <= 64;
}

function notOurs(version: string): SelvedgeError {
  if (/^svj[0-9]+$/.test(version)) {
    return new SelvedgeError("unsupported", `the join token has version "${version.slice(0, 8)}"`, {
      at: "join token",
      fix: `use a selvedge that reads it, or a token that begins with "${prefix}."`,
    });
  }
  return malformed(`it does not begin with "${prefix}."`);
}

function malformed(why: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `not a join token: ${why}`, {
    at: "join token",
    fix: "copy the whole line that selvedge token create printed",
  });
}

function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/** One text per value: `Buffer` alone would skip stray characters and trailing bits. */
function fromBase64url(text: string, part: string): Uint8Array {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length === 0 || bytes.toString("base64url") !== text) {
    throw malformed(`its ${part} is not base64url`);
  }
  return new Uint8Array(bytes);
}

const prefix = "svj1";
const pinBytes = 32;
const idPattern = /^[a-z0-9]{8,32}$/;
