import { resolve } from "node:path";
import { logIn } from "../operator/log-in.ts";
import { loginFilePath } from "../operator/operator-file.ts";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import { readToken } from "../read-token.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";
import { accountFields } from "./whoami.ts";

export interface LoginOptions extends GlobalOptions {
  /** "-" = standard input. */
  readonly tokenFile: string;
  readonly releaseKey?: string;
}

/** From now on this user's commands go to that coordinator, as the operator whose token it is. */
export async function run(terminal: Terminal, options: LoginOptions, url: string): Promise<void> {
  const { releaseKey, json } = options;
  const path = loginFilePath(terminal);
  const login = await logIn({
    url,
    token: await readToken(terminal, options.tokenFile, "selvedge operator create"),
    path,
    releaseKeyPath: releaseKey === undefined ? undefined : resolve(terminal.workingFolder, releaseKey),
    signal: terminal.interrupted,
  });
  if (json) return writeJson(terminal.stdout, { ...login, path });
  terminal.stdout.write(renderFields(accountFields(login, path, terminal.now())));
}
