import { totalmem } from "node:os";

/** Memory of this machine, or of the control group that this process runs in if that is less, bytes. */
export function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
