/** A .npy file as NumPy 1.x writes it. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  values: ArrayBufferView,
  version = 1,
): Buffer {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  return npyBytes(
    `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dimensions}), }`,
    values,
    version,
  );
}

/** Any header, padded so that the values begin at a multiple of 64 bytes. */
export function npyBytes(header: string, values: ArrayBufferView, version = 1): Buffer {
  const start = version === 1 ? 10 : 12;
  const length = Math.ceil((start + header.length + 1) / 64) * 64 - start;
  const text = `${header.padEnd(length - 1)}\n`;
  const head = Buffer.alloc(start);
  head.write("\u0093NUMPY", "latin1");
  head.writeUInt8(version, 6);
  if (version === 1) head.writeUInt16LE(length, 8);
  else head.writeUInt32LE(length, 8);
  const body = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.concat([head, Buffer.from(text, "latin1"), body]);
}
