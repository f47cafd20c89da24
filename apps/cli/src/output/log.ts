import { styleText } from "node:util";
import { type Logger, pino } from "pino";
import type { GlobalOptions, OutputStream, Terminal } from "../terminal.ts";
import { printable } from "./printable.ts";

export interface LogOptions extends GlobalOptions {
  readonly logLevel: string;
}

/** Logs on stderr: one line of words on a terminal, one line of JSON elsewhere. */
export function createLog(terminal: Terminal, { logLevel, json }: LogOptions): Logger {
  const { stderr } = terminal;
  const isForPeople = stderr.isTTY === true && json !== true;
  const write = (line: string): unknown => stderr.write(isForPeople ? formatLogLine(line, stderr) : line);
  return pino({ level: logLevel, timestamp: () => `,"time":${terminal.now()}` }, { write });
}

/** A line of pino's JSON as "04:56:20 info  message  key=value …". */
function formatLogLine(line: string, stream: OutputStream): string {
  const { level, time, msg, err, pid: _pid, hostname: _hostname, ...fields } = JSON.parse(line);
  const [name, style] = levels.get(level) ?? ["log", "white"];
  const clock = new Date(time).toISOString().slice(11, 19);
  const words = Object.entries(fields).map(([key, value]) => field(key, value));
  const trouble = err === undefined ? [] : [printable(String(err.message ?? err))];
  const label = stream.isTTY === true ? styleText(style, name.padEnd(5)) : name.padEnd(5);
  return `${[`${clock} ${label} ${printable(String(msg ?? ""))}`, ...words, ...trouble].join("  ")}\n`;
}

/** A point in time by the clock, as that of the line. */
function field(key: string, value: unknown): string {
  const isTime = /atMs$/i.test(key) && typeof value === "number";
  if (isTime) return `${key.slice(0, -2)}=${new Date(value).toISOString().slice(0, 19)}Z`;
  return `${key}=${plainText(value)}`;
}

function plainText(value: unknown): string {
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}

const levels: ReadonlyMap<number, readonly [name: string, style: Parameters<typeof styleText>[0]]> = new Map([
  [10, ["trace", "gray"]],
  [20, ["debug", "gray"]],
  [30, ["info", "green"]],
  [40, ["warn", "yellow"]],
  [50, ["error", "red"]],
  [60, ["fatal", "magenta"]],
]);
