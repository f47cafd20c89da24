import type { JournalHooks } from "@selvedge/storage";
import type { FaultPlan } from "./fault-plan.ts";
import { Killed } from "./simulated-process.ts";

/** Kills a process at any point of its journal at which it matters whether it got there. */
export function killHooks<Effect extends { readonly type: string }>(
  node: string,
  faults: FaultPlan,
  watch: JournalHooks<Effect> = {},
): JournalHooks<Effect> {
  const mayDie = (where: string): void => {
    if (faults.strikes("kill", `${node} ${where}`)) throw new Killed(where);
  };
  return {
    async beforeCommit(transaction) {
      await watch.beforeCommit?.(transaction);
      mayDie("before commit");
    },
    async afterCommit(transaction) {
      await watch.afterCommit?.(transaction);
      mayDie("after commit");
    },
    async beforeEffect(id, effect, key) {
      await watch.beforeEffect?.(id, effect, key);
      mayDie(`before ${effect.type}`);
    },
    afterEffect: (_id, effect) => mayDie(`after ${effect.type}`),
  };
}
