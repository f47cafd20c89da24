// The process a strategy runs in: no files to write, no processes, no modules of others, no time and no chance.

import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { asStrategy, checkStrategyResult, checkStrategyState, type Strategy } from "@selvedge/learning";
import { SelvedgeError } from "@selvedge/protocol";
import { serveChild } from "@selvedge/runtime";
import type { StrategyMethods } from "./strategy-methods.ts";

let strategy: Strategy | undefined;

serveChild<StrategyMethods>({
  async load({ path }) {
    const url = pathToFileURL(path).href;
    registerHooks({
      resolve(specifier, context, next) {
        if (context.parentURL !== url) return next(specifier, context);
        throw new SelvedgeError("invalid_argument", `imports "${specifier}"`, {
          at: "strategy",
          fix: "put all it needs into its one file; types may be imported with `import type`",
        });
      },
    });
    forbidImpurity();
    try {
      const exported: { readonly default?: unknown } = await import(url);
      strategy = asStrategy(exported.default);
    } catch (thrown) {
      throw ofStrategy(thrown);
    }
    return undefined;
  },
  async update({ state, base, meanUpdate, round }) {
    if (strategy === undefined) throw new SelvedgeError("failed_precondition", "no strategy is loaded");
    try {
      const before = state ?? checkStrategyState(strategy.init(base.length, round.options), "init");
      return checkStrategyResult(strategy.update(before, base, meanUpdate, round), base.length);
    } catch (thrown) {
      throw ofStrategy(thrown);
    }
  },
});

/** What a module throws is for its author to mend. */
function ofStrategy(thrown: unknown): SelvedgeError {
  if (thrown instanceof SelvedgeError) return thrown;
  return new SelvedgeError("invalid_argument", `throws ${thrown}`, { at: "strategy", cause: thrown });
}

function forbidImpurity(): void {
  const impure: readonly [object, string, unknown][] = [
    [globalThis, "Date", Object.assign(refuse("Date"), { now: refuse("Date.now") })],
    [performance, "now", refuse("performance.now")],
    [Math, "random", refuse("Math.random")],
    [globalThis, "crypto", undefined],
    [globalThis, "fetch", refuse("fetch")],
    [process, "getBuiltinModule", refuse("process.getBuiltinModule")],
  ];
  for (const [owner, name, value] of impure) Object.defineProperty(owner, name, { value });
}

function refuse(what: string): () => never {
  // A function, not an arrow: Date is called with `new`.
  return function refused() {
    throw new SelvedgeError("invalid_argument", `uses ${what}: the same round must give the same model`, {
      at: "strategy",
    });
  };
}
