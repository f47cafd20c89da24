import { SelvedgeError } from "@selvedge/protocol";
import type { Timers } from "./timers.ts";

export interface UntilStoredOptions extends Pick<Timers, "sleep"> {
  /** Whether it is still to be done; asked before each further attempt. */
  isWanted(): boolean;
  readonly signal: AbortSignal;
  onTrouble(error: SelvedgeError): void;
}

/**
 * Does what must be written down and what nobody will ask for again: while a full
 * disk or the like is in the way it is tried again, as long as it is wanted.
 *
 * @throws what is no trouble around us.
 */
export async function untilStored(
  work: () => Promise<void>,
  { isWanted, sleep, signal, onTrouble }: UntilStoredOptions,
): Promise<void> {
  for (let waitMs = 1_000; ; waitMs = Math.min(2 * waitMs, waitMsMax)) {
    try {
      return await work();
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      if (error.culprit !== "environment") throw error;
      onTrouble(error);
    }
    await sleep(waitMs, signal);
    if (signal.aborted || !isWanted()) return;
  }
}

const waitMsMax = 60_000;
