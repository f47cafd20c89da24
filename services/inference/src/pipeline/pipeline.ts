import { readYamlFile } from "@selvedge/config";
import { limits, SelvedgeError } from "@selvedge/protocol";
import { z } from "zod";

/** What stands between a picture and a model, and between its scores and a word. */
export interface Pipeline {
  /** How a picture becomes the model's input. */
  readonly image: ImageOptions;
  /** What the model's scores become. */
  readonly output: OutputOptions;
}

export interface ImageOptions {
  /** Pixels; the model's where it says them. */
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  /** 1: grey (ITU-R BT.601), 3: colour; the model's where it says them, and otherwise 1. */
  readonly channels?: 1 | 3 | undefined;
  readonly order: "rgb" | "bgr";
  /** What a picture of other proportions is: distorted, or cut on both sides. */
  readonly fit: "stretch" | "crop";
  /** White for black, before anything else. */
  readonly invert: boolean;
  /** A sample, 0 to 255, is divided by this; then the mean is subtracted, and the rest divided by the deviation. */
  readonly scale: number;
  /** For all channels, or one for each. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export interface OutputOptions {
  /** The model's only output when absent. */
  readonly name?: string | undefined;
  /** Turns scores into probabilities. */
  readonly softmax: boolean;
  /** By class; its number when absent. */
  readonly labels?: readonly string[] | undefined;
  /** How many classes an answer has, the likeliest first. */
  readonly top: number;
}

const side = z.int().min(1).max(limits.imageSideMax);
const channelsMax = 3;

/** Checks a pipeline as it stands in YAML. */
export const pipelineSchema: z.ZodType<Pipeline> = z.strictObject({
  image: z.strictObject({
    height: side.optional(),
    width: side.optional(),
    channels: z.union([z.literal(1), z.literal(3)]).optional(),
    order: z.enum(["rgb", "bgr"]).default("rgb"),
    fit: z.enum(["stretch", "crop"]).default("stretch"),
    invert: z.boolean().default(false),
    scale: z.number().positive().default(255),
    mean: z.array(z.number()).min(1).max(channelsMax).default([0]),
    std: z.array(z.number().positive()).min(1).max(channelsMax).default([1]),
  }),
  output: z
    .strictObject({
      name: z.string().min(1).optional(),
      softmax: z.boolean().default(false),
      labels: z.array(z.string().min(1)).min(1).max(100_000).optional(),
      top: z.int().min(1).max(1_000).default(5),
    })
    .default({ softmax: false, top: 5 }),
});

/** @throws SelvedgeError as `readYamlFile` */
export async function readPipeline(path: string): Promise<Pipeline> {
  return await readYamlFile(path, pipelineSchema);
}

/** @param at the part of the pipeline that is not the model's */
export function unfitPipeline(at: keyof Pipeline, why: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `the pipeline does not fit the model: ${why}`, {
    at,
    fix: "correct it where it stands: pipeline.yaml, the file of --pipeline, or inference.pipelines in agent.yaml",
  });
}
