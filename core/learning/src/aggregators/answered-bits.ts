import { type AnsweredBits, SelvedgeError } from "@selvedge/protocol";
import type { Aggregator } from "./aggregator.ts";

/** A device's bits under the names of the questions, as they travel and are audited. */
export function nameBits(
  { bits: questions }: Pick<Aggregator, "bits">,
  bits: readonly boolean[],
): AnsweredBits {
  return Object.fromEntries(questions.map((question, index) => [question, bits[index] ?? false]));
}

/**
 * The other way round (SPEC AG11).
 *
 * @throws SelvedgeError `invalid_argument` unless every question is answered, and nothing else
 */
export function readBits({ bits: questions }: Pick<Aggregator, "bits">, answers: AnsweredBits): boolean[] {
  const answered = Object.keys(answers).sort();
  if (
    answered.length === questions.length &&
    questions.every((question) => Object.hasOwn(answers, question))
  ) {
    return questions.map((question) => answers[question] ?? false);
  }
  throw new SelvedgeError(
    "invalid_argument",
    `bits ${answered.slice(0, 20).join(", ").slice(0, 200) || "(none)"}; the plan's aggregator asks for ${questions.join(", ") || "none"}`,
    { at: "contribution: bits" },
  );
}
