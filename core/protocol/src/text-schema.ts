import { SelvedgeError } from "./errors.ts";
import type { DatasetRequest } from "./gen/selvedge/v1/round_pb.js";
import { limits } from "./limits.ts";

/** How a text becomes examples: plain data, as a plan declares it. */
export interface TextSchema {
  /** Characters (Unicode code points) by their codes from 0; all others have the code after the last. */
  readonly vocabulary: readonly string[];
  /** Characters of one example. */
  readonly steps: number;
  /** Characters from the beginning of one example to that of the next. */
  readonly stride: number;
}

/** How many codes there are, the one of all other characters included. */
export function codesOf({ vocabulary }: Pick<TextSchema, "vocabulary">): number {
  return vocabulary.length + 1;
}

/**
 * The text that a plan's dataset declares; null when it is none. What is learned are the characters
 * after those of an example: the next one, or for each place the one after it.
 *
 * @throws SelvedgeError `invalid_argument` naming the field
 */
export function textSchemaOf(dataset: DatasetRequest): TextSchema | null {
  const { classes, columns, inputShape, target, text } = dataset;
  if (text === undefined) return null;
  const vocabulary = Array.from(text.vocabulary);
  if (vocabulary.length < 1 || vocabulary.length > limits.vocabularyMax) {
    throw invalid(
      "text.vocabulary",
      `${vocabulary.length} characters; 1 to ${limits.vocabularyMax} are needed`,
    );
  }
  if (new Set(vocabulary).size !== vocabulary.length) {
    throw invalid("text.vocabulary", "each character must be there once");
  }
  if (text.stride < 1 || text.stride > limits.textStrideMax) {
    throw invalid("text.stride", `${text.stride} is outside 1 to ${limits.textStrideMax}`);
  }
  if (columns.length > 0) throw invalid("columns", "are of a table, not of a text");
  const [steps, ...more] = inputShape;
  if (steps === undefined || more.length > 0)
    throw invalid("input_shape", "a text has one size, its characters");
  const codes = codesOf({ vocabulary });
  if (classes !== codes) {
    throw invalid("classes", `${classes}; ${vocabulary.length} characters and all others are ${codes}`);
  }
  const shape = target?.shape ?? [];
  if (shape.length > 0 && shape.join() !== `${steps}`) {
    throw invalid("target.shape", `[${shape.join(", ")}]; of a text it is [] or [${steps}]`);
  }
  return { vocabulary, steps, stride: text.stride };
}

function invalid(field: string, problem: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `the plan's dataset.${field}: ${problem}`, {
    at: `plan.dataset.${field}`,
  });
}
