import { isDigest, type PlannedServerOptimizer, strategyOptionPattern } from "@selvedge/protocol";
import { z } from "zod";
import { type AggregatorFields, aggregatorSchema } from "./aggregator-schema.ts";
import { type Named, setting } from "./training-schema.ts";

/** What the coordinator makes of the devices' updates; an option that is not given has its own default. */
export interface ServerFields {
  readonly aggregator: AggregatorFields;
  readonly server: Named<PlannedServerOptimizer>;
  readonly serverLearningRate: number;
}

const beta1 = setting("beta1");
const beta2 = setting("beta2");
const epsilon = setting("epsilon");
const initialAccumulator = setting("initialAccumulator");

const server = z
  .discriminatedUnion("name", [
    z.strictObject({ name: z.literal("fedavg") }),
    z.strictObject({ name: z.literal("fedavgm"), momentum: setting("momentum") }),
    z.strictObject({ name: z.literal("nesterov"), momentum: setting("momentum") }),
    z.strictObject({ name: z.literal("fedadagrad"), beta1, epsilon, initialAccumulator }),
    z.strictObject({ name: z.literal("fedadam"), beta1, beta2, epsilon, initialAccumulator }),
    z.strictObject({ name: z.literal("fedyogi"), beta1, beta2, epsilon, initialAccumulator }),
    z.strictObject({
      name: z.literal("strategy"),
      digest: z.string().refine(isDigest, "what `selvedge strategy install` printed: sha256:…"),
      options: z.record(z.string().regex(strategyOptionPattern), z.number()).optional(),
    }),
  ])
  .default({ name: "fedavg" });

export const serverFields: { readonly [Field in keyof ServerFields]-?: z.ZodType<ServerFields[Field]> } = {
  aggregator: aggregatorSchema,
  server,
  serverLearningRate: z.number().positive().max(1e6).default(1),
};
