import { byteSize, duration, readYamlFile } from "@selvedge/config";
import type { Policy } from "@selvedge/protocol";
import { machineMemoryBytes } from "@selvedge/runtime";
import { z } from "zod";

const clock = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as "22:00"')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

const dayMs = 86_400_000;

const policySchema = z.strictObject({
  signers: z.array(
    z.string().regex(/^ed25519:[0-9a-f]{64}$/, 'a key id: "ed25519:" and 64 hexadecimal digits'),
  ),
  plans: z
    .union([z.literal("any"), z.array(z.string().regex(/^sha256:[0-9a-f]{64}$/, "a plan digest"))])
    .default("any"),
  tasks: z.array(z.enum(["train", "evaluate"])).default(["train", "evaluate"]),
  minimumCohort: z.int().min(1).default(2),
  maxExamplesPerDevice: z.int().min(1).default(1_000_000),
  hours: z.strictObject({ start: clock, end: clock }).optional(),
  customLoss: z.boolean().default(false),
  statistics: z.boolean().default(true),
  classCounts: z.boolean().default(true),
  maxBytesPerDay: z.int().min(1).optional(),
  maxKeptJobs: z.int().min(0).default(16),
  maxKeptBytes: byteSize.default(1_000_000_000),
  keepFor: duration(60_000, 365 * dayMs, "1m to 365d").default(30 * dayMs),
  maxMemory: byteSize.optional(),
  maxTrainingTime: duration(1_000, 365 * dayMs, "1s to 365d").default(dayMs),
});

/** Reads the owner's `policy.yaml`. @throws SelvedgeError as `readYamlFile`. */
export async function readPolicy(path: string): Promise<Policy> {
  const file = await readYamlFile(path, policySchema);
  return {
    signers: file.signers,
    plans: file.plans === "any" ? null : file.plans,
    tasks: file.tasks,
    minimumCohort: file.minimumCohort,
    maxExamplesPerDevice: file.maxExamplesPerDevice,
    hours: file.hours ?? null,
    customLoss: file.customLoss,
    statistics: file.statistics,
    classCounts: file.classCounts,
    maxBytesPerDay: file.maxBytesPerDay ?? null,
    maxKeptJobs: file.maxKeptJobs,
    maxKeptBytes: file.maxKeptBytes,
  };
}

/** What a training's process may take. */
export interface TrainingLimits {
  /** Resident memory. */
  readonly memoryBytesMax: number;
  /** Wall clock. */
  readonly durationMsMax: number;
  /** What a training leaves for the next round of its job is let go of after so long without one. */
  readonly keepForMs: number;
}

/** Reads what the owner's `policy.yaml` lets one training take. @throws SelvedgeError as `readYamlFile`. */
export async function readTrainingLimits(path: string): Promise<TrainingLimits> {
  const { keepFor, maxMemory, maxTrainingTime } = await readYamlFile(path, policySchema);
  return {
    memoryBytesMax: maxMemory ?? machineMemoryBytes() / 2,
    durationMsMax: maxTrainingTime,
    keepForMs: keepFor,
  };
}

/** The policy a new device starts with: plans of the operators it met when it enrolled. */
export function initialPolicy(signers: readonly string[]): string {
  return `# What this device takes part in. Only its owner changes this file; the coordinator cannot.
# Every refusal names the rule, and is shown to the operator.

# Operators whose signed plans may run here.
signers:
${signers.map((signer) => `  - ${signer}`).join("\n")}

# "any" plan that a signer signed, or a list of approved plan digests.
plans: any

# What plans may do here: train, and evaluate a model on this device's data without training anything.
tasks: [train, evaluate]

# Refuse rounds with fewer devices than this: in a small cohort an update says more about one device.
minimumCohort: 2

# Use at most this many examples in one round.
maxExamplesPerDevice: 1000000

# Take part only at these hours (local time).
# hours: { start: "22:00", end: "06:00" }

# Train also by a loss that is an output of the plan's own model. Such a loss could copy one of this device's
# examples into the update: allow it only to operators whose models you have looked at.
customLoss: false

# Give plans that ask for it the count, sum, sum of squares, least and greatest value of columns they name.
statistics: true

# Report how often classes were there and were predicted among the examples held out, and sums of the numbers to be
# learned, to plans that ask for it.
classCounts: true

# Let at most this many bytes leave in a day.
# maxBytesPerDay: 100000000

# What plans may let this device keep for itself between the rounds of their jobs, and for how long
# after the last of them. It never leaves.
# maxKeptJobs: 16
# maxKeptBytes: 1GB
# keepFor: 30d

# What one training may take of this machine's memory (half of it, if nothing is said), and how long.
# maxMemory: 2GB
maxTrainingTime: 24h
`;
}
