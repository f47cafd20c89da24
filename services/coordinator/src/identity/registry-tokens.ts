import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/**
 * What registries' clients are given in place of a password (distribution, token
 * authentication): the operator's token, sealed with a key that only this process
 * has. So it counts nowhere else, ends soon or with the process, and is worth at
 * each use what the operator's token then is.
 */
export class RegistryTokens {
  readonly lifetimeMs = 3_600_000;
  /** For who did not say who it is. Not sealed: it hides nothing, and strangers do not get to use the key. */
  readonly nobody: string = `${prefix}nobody`;
  readonly #key = randomBytes(32);
  readonly #now: () => number;

  /** @param now - milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  seal(operatorToken: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(cipherName, this.#key, nonce);
    const text = JSON.stringify([this.#now() + this.lifetimeMs, operatorToken]);
    const sealed = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
    return prefix + Buffer.concat(sealed).toString("base64url");
  }

  /**
   * @returns undefined when `text` is none of these tokens; otherwise the operator's, which is empty for
   *   who did not say who it is, and for a token that ended or is of a process before.
   */
  open(text: string): string | undefined {
    if (!text.startsWith(prefix)) return undefined;
    const sealed = Buffer.from(text.slice(prefix.length), "base64url");
    try {
      const decipher = createDecipheriv(cipherName, this.#key, sealed.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAuthTag(sealed.subarray(-tagBytes));
      const clear = decipher.update(sealed.subarray(nonceBytes, -tagBytes));
      const [endsAtMs, token] = JSON.parse(Buffer.concat([clear, decipher.final()]).toString("utf8"));
      return endsAtMs > this.#now() ? token : "";
    } catch {
      // Not a guess: the client still had it, and asks for another once it is told that it is nobody.
      return "";
    }
  }
}

const cipherName = "aes-256-gcm";
const prefix = "svreg1.";
const nonceBytes = 12;
const tagBytes = 16;
