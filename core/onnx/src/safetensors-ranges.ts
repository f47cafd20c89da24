import type { ParameterLayout } from "./parameters.ts";
import type { SafetensorsMap } from "./safetensors.ts";

/** Bytes of a file, `end` not with them, that are values of the flat vector. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Where `length` values of the flat vector from `offset` on lie in a file, in their order: one range
 * where its tensors are in the order of the layout.
 */
export function safetensorsRanges(
  { dataStart, begins }: SafetensorsMap,
  layout: ParameterLayout,
  offset: number,
  length: number,
): ByteRange[] {
  const ranges: ByteRange[] = [];
  for (const [index, slot] of layout.slots.entries()) {
    const from = Math.max(offset, slot.offset);
    const to = Math.min(offset + length, slot.offset + slot.length);
    if (from >= to) continue;
    const start = dataStart + (begins[index] ?? 0) + (from - slot.offset) * floatBytes;
    const end = start + (to - from) * floatBytes;
    const last = ranges.at(-1);
    if (last?.end === start) ranges[ranges.length - 1] = { start: last.start, end };
    else ranges.push({ start, end });
  }
  return ranges;
}

const floatBytes = 4;
