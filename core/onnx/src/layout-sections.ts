import type { ParameterLayout, ParameterSlot } from "./parameters.ts";
import { slotOf } from "./parameters.ts";

/** Layouts one after the other, in one vector; a tensor is named after its section: `control/w`. */
export function joinLayouts(sections: Readonly<Record<string, ParameterLayout>>): ParameterLayout {
  return placed(
    Object.entries(sections).flatMap(([section, { slots }]) =>
      slots.map((slot) => ({ ...slot, name: `${section}/${slot.name}` })),
    ),
  );
}

/** Those tensors of a layout that are to be in it, in the same order, without gaps. */
export function subLayout({ slots }: ParameterLayout, has: (name: string) => boolean): ParameterLayout {
  return placed(slots.filter(({ name }) => has(name)));
}

/**
 * The values of one layout's tensors out of a vector of another, by their names; what the other
 * does not have is 0.
 */
export function pickTensors(
  values: Float32Array,
  from: ParameterLayout,
  to: ParameterLayout,
): Float32Array<ArrayBuffer> {
  return placeTensors(new Float32Array(to.length), to, values, from);
}

/** A copy of `base` with those tensors replaced that the other vector has too, by their names. */
export function placeTensors(
  base: Float32Array,
  layout: ParameterLayout,
  values: Float32Array,
  of: ParameterLayout,
): Float32Array<ArrayBuffer> {
  const result = Float32Array.from(base);
  const slots = new Map(of.slots.map((slot) => [slot.name, slot]));
  for (const target of layout.slots) {
    const source = slots.get(target.name);
    if (source !== undefined) result.set(slotOf(values, source), target.offset);
  }
  return result;
}

function placed(slots: readonly Omit<ParameterSlot, "offset">[]): ParameterLayout {
  let length = 0;
  const next: ParameterSlot[] = [];
  for (const slot of slots) {
    next.push({ ...slot, offset: length });
    length += slot.length;
  }
  return { slots: next, length };
}
