import { z } from "zod";
import { byteSizeForm, parseByteSize } from "./parse-byte-size.ts";

/** A size as people write it, in bytes. */
export const byteSize: z.ZodType<number> = z.string(`must be ${byteSizeForm}`).transform((text, context) => {
  const bytes = parseByteSize(text);
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: "custom", message: `must be ${byteSizeForm}` });
  return z.NEVER;
});
