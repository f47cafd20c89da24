import type { Metrics } from "@selvedge/protocol";
import type { JsonObject } from "../json-object.ts";

/** Nested measurements as a table's columns: each number under the block that it is of, "clipping.bound". */
export function flatMeasurements(name: string, measurements: JsonObject): Metrics {
  const flat = Object.entries(measurements).flatMap(([key, value]): [string, number][] => {
    if (typeof value === "number") return [[`${name}.${key}`, value]];
    return isNested(value) ? Object.entries(flatMeasurements(key, value)) : [];
  });
  return Object.fromEntries(flat);
}

function isNested(value: JsonObject[string] | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
