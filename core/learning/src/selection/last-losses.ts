import { SelvedgeError } from "@selvedge/protocol";

/**
 * The latest losses with those of a round: what was told longest ago comes first, and goes first
 * when there are more than `max`.
 */
export function rememberLosses(
  before: ReadonlyMap<string, number>,
  told: Readonly<Record<string, number | undefined>>,
  max: number = lossesMax,
): ReadonlyMap<string, number> {
  const losses = new Map(before);
  for (const device of Object.keys(told).sort()) {
    const loss = told[device];
    if (loss === undefined) continue;
    losses.delete(device);
    losses.set(device, loss);
  }
  for (const oldest of losses.keys()) {
    if (losses.size <= max) break;
    losses.delete(oldest);
  }
  return losses;
}

/** As JSON, in the order of the map. */
export function encodeLosses(losses: ReadonlyMap<string, number>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify([...losses]));
}

/** @throws SelvedgeError `corrupt` */
export function decodeLosses(bytes: Uint8Array): ReadonlyMap<string, number> {
  try {
    return new Map(JSON.parse(new TextDecoder().decode(bytes)) as [string, number][]);
  } catch (cause) {
    throw new SelvedgeError("corrupt", "the losses of devices are not as they must be", { cause });
  }
}

/** Devices whose losses are remembered for one job. */
const lossesMax = 65_536;
