import { z } from "zod";
import { durationForm, parseDuration } from "./parse-duration.ts";

/** A duration as people write it, in milliseconds; `range` says the bounds in words. */
export function duration(lowMs: number, highMs: number, range: string): z.ZodType<number> {
  return z.string(`must be ${durationForm}`).transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= lowMs && ms <= highMs) return ms;
    const problem = ms === undefined ? `must be ${durationForm}` : `must be ${range}`;
    context.addIssue({ code: "custom", message: problem });
    return z.NEVER;
  });
}
