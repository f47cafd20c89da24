import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { FuzzDone, FuzzMessage, FuzzRequest, FuzzTrying } from "./fuzz-child.ts";

/** No decoder may need this long for 500 inputs of 64 KiB, on the slowest machine. */
const hangMs = 30_000;
const residentBytesMax = 1_073_741_824;

/** How a child ended before it was done. */
export interface FuzzCut {
  readonly why: string;
  /** What it said last: what cut it short is that input, or one soon after. */
  readonly last: FuzzTrying;
}

/** Tries one target in a process of its own, and kills it when it hangs or grows. */
export async function watchChild(file: string, request: FuzzRequest): Promise<FuzzDone | FuzzCut> {
  const child = fork(join(import.meta.dirname, "fuzz-child.ts"), [file], {
    execArgv: ["--max-old-space-size=512"],
  });
  let done: FuzzDone | undefined;
  let killedFor: string | undefined;
  let last: FuzzTrying = { kind: "trying", number: request.from, accepted: 0, refused: 0, residentBytes: 0 };
  const kill = (why: string): void => {
    killedFor ??= why;
    child.kill("SIGKILL");
  };
  const hang = setTimeout(() => kill("the decoder hangs"), hangMs);
  child.on("message", (message: FuzzMessage) => {
    hang.refresh();
    if (message.kind === "done") done = message;
    else {
      last = message;
      if (message.residentBytes > residentBytesMax) kill("resident memory grows past 1 GiB");
    }
  });
  child.send(request);
  const [code, signal] = await once(child, "exit");
  clearTimeout(hang);
  return done ?? { why: killedFor ?? `the process ended with ${signal ?? `code ${code}`}`, last };
}
