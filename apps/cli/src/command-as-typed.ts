import { basename, join, normalize } from "node:path";
import { shellWord } from "./output/shell-word.ts";

/**
 * What the user types to run this program: `selvedge` when a folder on PATH has it,
 * the path it was started by otherwise (`./selvedge` in a checkout), or npm's way.
 */
export function commandAsTyped(env: Readonly<Record<string, string | undefined>>): string {
  const { SELVEDGE_STARTED_AS: startedAs, PATH = "", npm_lifecycle_event: npmScript } = env;
  if (startedAs?.includes("/") === true) {
    const name = basename(startedAs);
    // A shell that finds a script on PATH starts it by the folder there and its name.
    const isOnPath = PATH.split(":").some(
      (folder) => folder !== "" && join(folder, name) === normalize(startedAs),
    );
    return isOnPath ? name : shellWord(startedAs);
  }
  return npmScripts.has(npmScript ?? "") ? "npm run selvedge --" : "selvedge";
}

/** A text of ours about `selvedge …` commands, with each of them as the user has to type it. */
export function withCommandAsTyped(text: string, typed: string): string {
  return text.replace(/(?<![\w./-])selvedge (?=[a-z])/g, () => `${typed} `);
}

/** Of package.json, those that run this program. */
const npmScripts: ReadonlySet<string> = new Set(["demo", "selvedge"]);
