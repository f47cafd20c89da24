import { join, resolve } from "node:path";
import type { Terminal } from "./terminal.ts";

/** The coordinator's folder: `--state`, $SELVEDGE_STATE, or the usual place of this user. */
export function coordinatorFolder(terminal: Terminal, option: string | undefined): string {
  return chosenFolder(terminal, option ?? terminal.env.SELVEDGE_STATE, "coordinator");
}

/** The device's folder: `--folder`, $SELVEDGE_FOLDER, or the usual place of this user. */
export function deviceFolder(terminal: Terminal, option: string | undefined): string {
  return chosenFolder(terminal, option ?? terminal.env.SELVEDGE_FOLDER, "device");
}

/** What this user's commands remember: `$XDG_CONFIG_HOME/selvedge`, or `~/.config/selvedge`. */
export function configFolder({ env, homeFolder }: Terminal): string {
  const config = env.XDG_CONFIG_HOME;
  return join(config === undefined || config === "" ? join(homeFolder, ".config") : config, "selvedge");
}

/** Where a coordinator keeps its records instead of its folder: `--store` or $SELVEDGE_STORE, unless empty. */
export function storeUrl(terminal: Terminal, option: string | undefined): string | undefined {
  return option || terminal.env.SELVEDGE_STORE || undefined;
}

/** An empty variable counts as unset (XDG Base Directory Specification). */
function chosenFolder(terminal: Terminal, chosen: string | undefined, kind: string): string {
  const { env, homeFolder, isRoot, workingFolder } = terminal;
  if (chosen !== undefined && chosen !== "") return resolve(workingFolder, chosen);
  if (isRoot) return join("/var/lib/selvedge", kind);
  const state = env.XDG_STATE_HOME;
  return join(
    state === undefined || state === "" ? join(homeFolder, ".local/state") : state,
    "selvedge",
    kind,
  );
}
