import type { RecurrentCompositions } from "../compositions/recurrent.ts";
import type { ConstantInput, GradientCaseTable } from "../gradient-case.ts";

const sizes = { n: 2 };

export const recurrentCases: GradientCaseTable<keyof RecurrentCompositions> = {
  GRU: [
    {
      name: "the batch first, other activations",
      inputs: [
        ["n", 3, 2],
        [1, 9, 2],
        [1, 9, 3],
        [1, 18],
      ],
      sizes,
      attributes: { hidden_size: 3, layout: 1, activations: ["Tanh", "Sigmoid"] },
      kernel: false,
    },
    {
      name: "no bias",
      inputs: [
        [3, "n", 2],
        [1, 9, 2],
        [1, 9, 3],
      ],
      sizes,
      attributes: { hidden_size: 3 },
    },
    {
      name: "both directions, bias and initial state",
      inputs: [[3, "n", 2], [2, 6, 2], [2, 6, 2], [2, 12], undefined, [2, "n", 2]],
      sizes,
      attributes: { hidden_size: 2, direction: "bidirectional" },
    },
    {
      name: "linear before reset",
      inputs: [[4, "n", 2], [1, 6, 2], [1, 6, 2], [1, 12], undefined, [1, "n", 2]],
      sizes,
      attributes: { linear_before_reset: 1, hidden_size: 2 },
    },
    {
      name: "linear before reset, reverse, no bias, of which the last state is used",
      inputs: [
        [3, "n", 2],
        [1, 6, 2],
        [1, 6, 2],
      ],
      sizes,
      attributes: { hidden_size: 2, linear_before_reset: 1, direction: "reverse" },
      outputs: [1],
    },
  ],
  LSTM: [
    {
      name: "no bias",
      inputs: [
        [3, "n", 2],
        [1, 8, 2],
        [1, 8, 2],
      ],
      sizes,
      attributes: { hidden_size: 2 },
    },
    {
      name: "both directions, bias and initial states",
      inputs: [[3, "n", 2], [2, 8, 2], [2, 8, 2], [2, 16], undefined, [2, "n", 2], [2, "n", 2]],
      sizes,
      attributes: { direction: "bidirectional", hidden_size: 2 },
    },
    {
      name: "peepholes, reverse",
      inputs: [[3, "n", 2], [1, 8, 2], [1, 8, 2], [1, 16], undefined, undefined, undefined, [1, 6]],
      sizes,
      attributes: { hidden_size: 2, direction: "reverse" },
    },
    {
      name: "the batch first, of which the sequence is used",
      inputs: [["n", 3, 2], [1, 8, 2], [1, 8, 2], [1, 16], undefined, ["n", 1, 2], ["n", 1, 2]],
      sizes,
      attributes: { hidden_size: 2, layout: 1 },
      outputs: [0],
      kernel: false,
    },
    {
      name: "sequences of different lengths, of which the last states are used",
      inputs: [[3, 3, 2], [2, 8, 2], [2, 8, 2], [2, 16], lengths(2, 3, 1)],
      attributes: { hidden_size: 2, direction: "bidirectional" },
      outputs: [1, 2],
    },
    {
      name: "all the sequences as long as the longest, one step",
      inputs: [[1, 2, 2], [1, 8, 2], [1, 8, 2], undefined, lengths(1, 1)],
      attributes: { hidden_size: 2, activations: ["Sigmoid", "Tanh", "Sigmoid"] },
    },
  ],
  RNN: [
    {
      name: "no bias",
      inputs: [
        [3, "n", 2],
        [1, 3, 2],
        [1, 3, 3],
      ],
      sizes,
      attributes: { hidden_size: 3 },
    },
    {
      name: "both directions, another activation in each",
      inputs: [[3, "n", 2], [2, 3, 2], [2, 3, 3], [2, 6], undefined, [2, "n", 3]],
      sizes,
      attributes: { hidden_size: 3, direction: "bidirectional", activations: ["Sigmoid", "Tanh"] },
    },
    {
      name: "sequences of different lengths, the batch first",
      inputs: [[3, 4, 2], [1, 3, 2], [1, 3, 3], [1, 6], lengths(2, 4, 0)],
      attributes: { hidden_size: 3, layout: 1, activations: ["Sigmoid"] },
      kernel: false,
    },
  ],
};

function lengths(...values: readonly number[]): ConstantInput {
  return { type: "int32", values, shape: [values.length] };
}
