import type { ErrorCode } from "@selvedge/protocol";

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  state: 3,
  denied: 4,
  unavailable: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The exit code of each error code. */
export const exitCodeOf: Readonly<Record<ErrorCode, ExitCode>> = {
  internal: exitCodes.failed,
  invalid_argument: exitCodes.usage,
  unsupported: exitCodes.usage,
  out_of_range: exitCodes.usage,
  corrupt: exitCodes.usage,
  too_large: exitCodes.usage,
  not_found: exitCodes.state,
  already_exists: exitCodes.state,
  failed_precondition: exitCodes.state,
  conflict: exitCodes.state,
  permission_denied: exitCodes.denied,
  unauthenticated: exitCodes.denied,
  untrusted: exitCodes.denied,
  unavailable: exitCodes.unavailable,
  deadline_exceeded: exitCodes.unavailable,
  resource_exhausted: exitCodes.unavailable,
  cancelled: exitCodes.interrupted,
};

/** What each exit code tells a script, as `selvedge help exit-codes` prints it. */
export const exitCodeMeanings: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [exitCodes.ok, "it worked; a service was asked to stop, and did"],
  [
    exitCodes.failed,
    "the job failed or was cancelled, doctor found a fault, the demo fell short, or there is an error in Selvedge itself",
  ],
  [exitCodes.usage, "the command line, a file or a value is wrong: change it, then try again"],
  [exitCodes.state, "not found, already there, or not possible in the present state"],
  [exitCodes.denied, "not signed in, not allowed, or not trusted"],
  [exitCodes.unavailable, "unreachable, timed out, or out of resources: try again later"],
  [exitCodes.interrupted, "interrupted (Ctrl-C, SIGTERM)"],
];
