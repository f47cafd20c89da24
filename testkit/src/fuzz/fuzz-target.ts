/** A decoder of bytes from outside, and what to try it with. Stands beside the decoder, in `<name>.fuzz.ts`. */
export interface FuzzTarget {
  /** As `npm run fuzz -- NAME` names it. */
  readonly name: string;
  /** Inputs the decoder takes, small ones: every other input is made from these. */
  examples(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Words of the format, put in and swapped by mutations. */
  readonly words?: readonly string[];
  /**
   * Decodes one input, or throws the SelvedgeError that a user would see. Anything else thrown is a finding, as
   * are a hang and memory that grows.
   */
  decode(input: Uint8Array): unknown;
}
