import { readFileSync, rmSync, writeFileSync } from "node:fs";

/** What was made durable: a file put in place or removed, a file or folder synced, records committed. */
export type DurablePoint = string;

/** Where a process that writes down what it makes durable kills itself. */
export interface ArmedPoint {
  readonly when: "before" | "after";
  readonly point: DurablePoint;
  /** Before a sync: leaves half or nothing of what was written since the last one, as a power cut may. */
  readonly damage?: "torn" | "empty";
}

/** @param durableLog - the file where the process writes it down */
export function arm(durableLog: string, point: ArmedPoint): void {
  writeFileSync(armFile(durableLog), JSON.stringify(point));
}

/** The point at which to die; undefined when there is none, or it is only just being written. */
export function armedPoint(durableLog: string): ArmedPoint | undefined {
  try {
    return JSON.parse(readFileSync(armFile(durableLog), "utf8"));
  } catch {
    return undefined;
  }
}

/** @returns whether it was armed: of several that disarm, one is told so */
export function disarm(durableLog: string): boolean {
  try {
    rmSync(armFile(durableLog));
    return true;
  } catch {
    return false;
  }
}

function armFile(durableLog: string): string {
  return `${durableLog}.arm`;
}
