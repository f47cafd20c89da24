import { type Device, SelvedgeError } from "@selvedge/protocol";

/**
 * @param reference - a device's id, the beginning of one, or a name that only one has
 * @throws SelvedgeError `invalid_argument` when it fits several, `not_found`
 */
export function findDevice(devices: readonly Device[], reference: string): Device {
  const exact = devices.filter(({ id }) => id === reference);
  const named = devices.filter(({ name }) => name === reference);
  const begun = reference.length < prefixMin ? [] : devices.filter(({ id }) => id.startsWith(reference));
  const found = [exact, named, begun].find((some) => some.length > 0) ?? [];
  const [device] = found;
  if (device !== undefined && found.length === 1) return device;
  if (device === undefined) {
    throw new SelvedgeError("not_found", `no device "${reference.slice(0, 80)}"`, {
      fix: "see `selvedge device list`",
    });
  }
  const ids = found.slice(0, 5).map(({ id }) => id);
  throw new SelvedgeError("invalid_argument", `${found.length} devices fit "${reference.slice(0, 80)}"`, {
    fix: `give an id: ${ids.join(", ")}${found.length > ids.length ? ", …" : ""}`,
  });
}

/** Shorter beginnings of an id would fit by accident. */
const prefixMin = 4;
