/**
 * Fields one after the other, each after its length (32 bits, big endian), so
 * that no two lists have the same bytes.
 *
 * @param fields - text counts as UTF-8.
 */
export function lengthPrefixed(fields: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = fields.flatMap((field) => {
    const bytes = Buffer.from(field);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return new Uint8Array(Buffer.concat(parts));
}
