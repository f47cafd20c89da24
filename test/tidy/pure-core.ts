import { isTestCode, type SourceFile, type Violation } from "./repository.ts";
import { blankStrings } from "./source-text.ts";

// Hashing, signing and verifying given data is pure; the rest of Node's modules reach out of the process.
const MODULES_ALLOWED = ["node:crypto"];

const BANNED: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b/, "the clock"],
  [
    /\bMath\.random\b|\brandom(Bytes|UUID|Int|Fill|FillSync)\b|\bgetRandomValues\b|\bgenerateKey(Pair)?(Sync)?\b/,
    "randomness",
  ],
  [/\bset(Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b/, "timers"],
  [/\bprocess\./, "the process"],
  [/\bconsole\.|\bfetch\(|\bnew WebSocket\b/, "input and output"],
];

/** core/ is pure: time, randomness and the outside world come in as arguments. Its tests are free. */
export function impurities(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path }) => path.startsWith("core/") && !isTestCode(path))
    .flatMap(({ path, code, imports }): Violation[] => [
      ...imports
        .filter((specifier) => specifier.startsWith("node:") && !MODULES_ALLOWED.includes(specifier))
        .map(
          (specifier): Violation =>
            `${path}: imports ${specifier}: core takes the outside world as an argument`,
        ),
      ...blankStrings(code, "\"'")
        .split("\n")
        .flatMap((line, index) =>
          BANNED.filter(([pattern]) => pattern.test(line)).map(
            ([, what]): Violation => `${path}:${index + 1}: uses ${what}: core takes it as an argument`,
          ),
        ),
    ]);
}
