import { describeError, type SelvedgeError } from "@selvedge/protocol";
import { withCommandAsTyped } from "../command-as-typed.ts";
import type { Terminal } from "../terminal.ts";
import { writeJson } from "./json.ts";
import { printable } from "./printable.ts";

/** Cause, place and fix, for a person; one JSON document for a program. Of our own errors also the stack. */
export function writeError({ stderr, command }: Terminal, error: SelvedgeError, json: boolean): void {
  const { code, message, at } = error;
  const fix = error.fix && withCommandAsTyped(error.fix, command);
  if (json) {
    writeJson(stderr, { error: { code, message, at, fix } });
    return;
  }
  const lines = `error: ${describeError({ message, at, fix })}`.split("\n").map(printable);
  stderr.write(`${lines.join("\n")}\n`);
  if (error.culprit === "us")
    stderr.write(`  this is an error in Selvedge: please report it\n${stackOf(error)}\n`);
}

function stackOf(error: SelvedgeError): string {
  const origin = error.cause instanceof Error ? error.cause : error;
  return (origin.stack ?? "").split("\n").slice(1).map(printable).join("\n");
}
