import { describeError, type SelvedgeError } from "@selvedge/protocol";
import type { OutputStream } from "../terminal.ts";
import { writeJson } from "./json.ts";
import { printable } from "./printable.ts";

/** Cause, place and fix, for a person; one JSON document for a program. Of our own errors also the stack. */
export function writeError(stream: OutputStream, error: SelvedgeError, json: boolean): void {
  const { code, message, at, fix } = error;
  if (json) {
    writeJson(stream, { error: { code, message, at, fix } });
    return;
  }
  const lines = `error: ${describeError(error)}`.split("\n").map(printable);
  stream.write(`${lines.join("\n")}\n`);
  if (error.culprit === "us")
    stream.write(`  this is an error in Selvedge: please report it\n${stackOf(error)}\n`);
}

function stackOf(error: SelvedgeError): string {
  const origin = error.cause instanceof Error ? error.cause : error;
  return (origin.stack ?? "").split("\n").slice(1).map(printable).join("\n");
}
