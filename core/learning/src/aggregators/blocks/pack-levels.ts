/** How many bytes `count` levels of `bits` bits take. */
export function packedBytes(count: number, bits: number): number {
  return Math.ceil((count * bits) / 8);
}

/** Levels of 1 to 16 bits back to back, the lowest bit first; what is left of the last byte is 0. */
export function packLevels(levels: Uint16Array, bits: number): Uint8Array {
  const bytes = new Uint8Array(packedBytes(levels.length, bits));
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (const level of levels) {
    held |= level << heldBits;
    heldBits += bits;
    while (heldBits >= 8) {
      bytes[at++] = held;
      held >>>= 8;
      heldBits -= 8;
    }
  }
  if (heldBits > 0) bytes[at] = held;
  return bytes;
}

/** @param bytes at least `packedBytes(count, bits)` */
export function unpackLevels(bytes: Uint8Array, count: number, bits: number): Uint16Array {
  if (bits === 8) return new Uint16Array(bytes.subarray(0, count));
  const levels = new Uint16Array(count);
  const mask = 2 ** bits - 1;
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (let index = 0; index < count; index++) {
    while (heldBits < bits) {
      held |= (bytes[at++] ?? 0) << heldBits;
      heldBits += 8;
    }
    levels[index] = held & mask;
    held >>>= bits;
    heldBits -= bits;
  }
  return levels;
}
