import { readFile } from "node:fs/promises";
import {
  decodeSafetensors,
  encodeSafetensors,
  joinLayouts,
  type ParameterLayout,
  type ParameterSlot,
} from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";

/** What a device keeps for itself between two rounds of a job: vectors by section, and how far its optimizer is. */
export interface KeptState {
  /** Each as its section's layout has it. */
  readonly sections: Readonly<Record<string, Float32Array>>;
  /** Steps that the optimizer has taken. */
  readonly steps: number;
}

type Sections = Readonly<Record<string, ParameterLayout>>;

/** As a safetensors file, equal for equal states. */
export function encodeKeptState(layouts: Sections, { sections, steps }: KeptState): Uint8Array<ArrayBuffer> {
  const layout = fileLayout(layouts);
  const flat = new Float32Array(layout.length);
  flat.set([steps % stepsBase, Math.floor(steps / stepsBase)]);
  let offset = stepsSlot.length;
  for (const [section, { length }] of Object.entries(layouts)) {
    flat.set(sections[section] ?? new Float32Array(length), offset);
    offset += length;
  }
  return encodeSafetensors(layout, flat);
}

/**
 * Reads what an earlier round kept.
 *
 * @returns undefined where there is nothing, or nothing that is of this model and plan
 */
export async function readKeptState(
  path: string | undefined,
  layouts: Sections,
): Promise<KeptState | undefined> {
  if (path === undefined) return undefined;
  try {
    return decodeKeptState(layouts, await readFile(path));
  } catch (thrown) {
    if (thrown instanceof SelvedgeError) return undefined;
    throw thrown;
  }
}

/** @throws SelvedgeError as `decodeSafetensors` */
function decodeKeptState(layouts: Sections, bytes: Uint8Array): KeptState {
  const flat = decodeSafetensors(bytes, fileLayout(layouts));
  const [low = 0, high = 0] = flat;
  let offset = stepsSlot.length;
  const sections = Object.entries(layouts).map(([section, { length }]) => {
    offset += length;
    return [section, flat.slice(offset - length, offset)];
  });
  return { sections: Object.fromEntries(sections), steps: high * stepsBase + low };
}

/** The number of steps comes first, in two numbers that float32 holds exactly. */
function fileLayout(layouts: Sections): ParameterLayout {
  const steps = { slots: [stepsSlot], length: stepsSlot.length };
  return joinLayouts({ progress: steps, ...layouts });
}

const stepsSlot: ParameterSlot = { name: "steps", shape: [2], offset: 0, length: 2 };
const stepsBase = 2 ** 24;
