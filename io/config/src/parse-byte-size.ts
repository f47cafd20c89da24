/** How a size is written, for messages. */
export const byteSizeForm: string = 'a number and a unit, such as "512MB" or "2GB"';

/** Bytes of a size as people write it: decimal units; undefined for anything else. */
export function parseByteSize(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d{1,6}(?:\.\d{1,3})?) ?(MB|GB|TB)$/.exec(text) ?? [];
  return number === undefined ? undefined : Math.round(Number(number) * (units[unit] ?? 1));
}

const units: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, TB: 1e12 };
