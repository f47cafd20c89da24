import { limits } from "@selvedge/protocol";

/** A name (see `namePattern`) made of a text such as a host or file name; `fallback` when nothing is left of it. */
export function nameFrom(text: string, fallback: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, "-")
    .slice(0, limits.nameLengthMax)
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");
  return name === "" ? fallback : name;
}
