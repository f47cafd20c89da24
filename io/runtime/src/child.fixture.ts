import { SelvedgeError } from "@selvedge/protocol";
import { serveChild } from "./serve-child.ts";

/** What the child of `child.test.ts` can do. */
export interface FixtureMethods {
  readonly echo: { readonly argument: unknown; readonly result: unknown };
  readonly count: { readonly argument: number; readonly result: "done"; readonly progress: number };
  readonly fail: { readonly argument: "selvedge" | "other"; readonly result: never };
  readonly never: { readonly argument: undefined; readonly result: never; readonly progress: "begun" };
  readonly crash: { readonly argument: NodeJS.Signals | number; readonly result: never };
  readonly whenTold: { readonly argument: undefined; readonly result: string; readonly progress: "begun" };
  readonly tell: { readonly argument: string; readonly result: undefined };
  readonly fill: { readonly argument: number; readonly result: never };
  readonly options: { readonly argument: undefined; readonly result: readonly string[] };
}

const told = Promise.withResolvers<string>();

serveChild<FixtureMethods>({
  echo: (argument) => argument,
  count: (upTo, progress) => {
    for (let i = 1; i <= upTo; i++) progress(i);
    return "done";
  },
  fail: (how) => {
    if (how === "other") throw new TypeError("not one of ours");
    throw new SelvedgeError("corrupt", "bad bytes", { at: "model.onnx", fix: "send good ones" });
  },
  never: (_, progress) => {
    progress("begun");
    return new Promise<never>(() => {});
  },
  crash: (how) => {
    if (typeof how !== "number") process.kill(process.pid, how);
    else {
      process.stderr.write("last words\n");
      process.exit(how);
    }
    return new Promise<never>(() => {});
  },
  whenTold: (_, progress) => {
    progress("begun");
    return told.promise;
  },
  tell: (text) => {
    told.resolve(text);
    return undefined;
  },
  fill: (bytes) => {
    const filled = Buffer.alloc(bytes, 1);
    return new Promise<never>(() => setInterval(() => filled[0], 60_000));
  },
  options: () => process.execArgv,
});
