import type { SimulationReport } from "./simulate-fleet.ts";

/** What happened to whom the first broken promises name, up to then; all lines when they name nobody. */
export function readableTrace({ trace, violations }: SimulationReport): readonly string[] {
  const first = violations[0];
  if (first === undefined) return trace;
  const end = trace.findIndex((line) => line.includes("VIOLATION"));
  const before = trace.slice(0, end + 1);
  const named = new Set(violations.slice(0, namedMax).flatMap((text) => text.match(names) ?? []));
  const about = [...named];
  const told = before.filter(
    (line) => isOfTheFleet(line) || about.length === 0 || about.some((name) => line.includes(name)),
  );
  const left = told.length - linesMax;
  return left <= 0 ? told : [`          … ${left} lines before`, ...told.slice(left)];
}

/** Of the coordinator or the network as a whole. */
function isOfTheFleet(line: string): boolean {
  return /^ *[0-9.]+ (coordinator (starts|halts)|operator |FAULT (partition|\w+: coordinator)|VIOLATION)/.test(
    line,
  );
}

/** A device, or a blob. */
const names = /\bd[0-9]{3}\b|sha256:[0-9a-f]{64}/g;
const namedMax = 3;
const linesMax = 100;
