/** What one look at a device found. */
export interface Finding {
  /** What was looked at, in a word or two: "name", "port", "certificate". */
  readonly check: string;
  /** After a failure nothing that rests on it is looked at. */
  readonly status: "ok" | "warning" | "failed";
  /** In words, with the figures. */
  readonly message: string;
  /** What to do, as an imperative sentence. */
  readonly fix?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message };
}

export function warning(check: string, message: string, fix: string): Finding {
  return { check, status: "warning", message, fix };
}

export function failed(check: string, message: string, fix: string): Finding {
  return { check, status: "failed", message, fix };
}
