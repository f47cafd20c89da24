import { rm } from "node:fs/promises";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import { loginFilePath } from "../operator/operator-file.ts";
import { writeJson } from "../output/json.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

/** Forgets the token; the key that signs plans stays, for the next login. */
export async function run(terminal: Terminal, { json }: GlobalOptions): Promise<void> {
  const path = loginFilePath(terminal);
  const wasLoggedIn = await remove(path);
  if (json) return writeJson(terminal.stdout, { wasLoggedIn, path });
  terminal.stdout.write(
    wasLoggedIn
      ? `logged out; the token itself goes on working until an admin revokes it: ${terminal.command} operator revoke NAME\n`
      : "not logged in\n",
  );
}

async function remove(path: string): Promise<boolean> {
  try {
    await rm(path);
    return true;
  } catch (thrown) {
    const error = fileError(thrown, path);
    if (SelvedgeError.from(error).code === "not_found") return false;
    throw error;
  }
}
