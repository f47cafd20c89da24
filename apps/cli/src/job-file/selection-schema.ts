import { byteSize } from "@selvedge/config";
import { limits, namePattern } from "@selvedge/protocol";
import { z } from "zod";

/** What a device has to have to take part; what is not given is not required. */
export interface RequirementFields {
  /** Bytes. */
  readonly memory?: number | undefined;
  readonly cores?: number | undefined;
  readonly architectures?: string[] | undefined;
  readonly groups?: string[] | undefined;
  readonly tags?: string[] | undefined;
}

/** Who is invited to a round. */
export type SelectionFields = { readonly requires?: RequirementFields | undefined } & (
  | { readonly name: "uniform" }
  | { readonly name: "poisson"; readonly probability: number }
  | { readonly name: "loss"; readonly candidates: number }
);

const names = z.array(z.string().regex(namePattern, "must be names")).max(limits.tagsMax).optional();
const requires = z
  .strictObject({
    memory: byteSize.optional(),
    cores: z.int().min(1).max(65_536).optional(),
    architectures: names,
    groups: names,
    tags: names,
  })
  .optional();

export const selectionSchema: z.ZodType<SelectionFields> = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("uniform"), requires }),
  z.strictObject({ name: z.literal("poisson"), probability: z.number().positive().max(1), requires }),
  z.strictObject({ name: z.literal("loss"), candidates: z.int().min(1).max(1_000_000), requires }),
]);
