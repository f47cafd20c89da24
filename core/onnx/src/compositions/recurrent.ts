import type { CompositionTable } from "../composition.ts";
import { type Flag, TypeMismatch, type Value } from "../operator.ts";
import { gruCell } from "./gru-cell.ts";
import { lstmCell } from "./lstm-cell.ts";
import { type RecurrentAttributes, recurrentAttributes, recurrentLayer } from "./recurrent-layer.ts";
import { rnnCell } from "./rnn-cell.ts";

type LayerValues = readonly [x: Value, w: Value, r: Value, b?: Value, lengths?: Value, initialH?: Value];

export interface RecurrentCompositions {
  GRU: {
    inputs: LayerValues;
    attributes: RecurrentAttributes & { readonly linear_before_reset?: Flag };
  };
  LSTM: {
    inputs: readonly [...LayerValues, initialC?: Value, peepholes?: Value];
    attributes: RecurrentAttributes & { readonly input_forget?: Flag };
  };
  RNN: { inputs: LayerValues; attributes: RecurrentAttributes };
}

export const recurrentCompositions: CompositionTable<RecurrentCompositions> = {
  GRU: {
    arity: [3, 6],
    attributes: { ...recurrentAttributes, linear_before_reset: "int" },
    compose: (g, [x, w, r, b, lengths, h], { linear_before_reset = 0, ...attributes }) =>
      recurrentLayer(g, { x, w, r, b, lengths, initial: [h] }, attributes, gruCell(linear_before_reset)),
  },

  LSTM: {
    arity: [3, 8],
    attributes: { ...recurrentAttributes, input_forget: "int" },
    compose: (g, [x, w, r, b, lengths, h, c, peepholes], { input_forget = 0, ...attributes }) => {
      if (input_forget !== 0) throw new TypeMismatch("its input and forget gates are coupled");
      return recurrentLayer(g, { x, w, r, b, lengths, initial: [h, c], peepholes }, attributes, lstmCell);
    },
  },

  RNN: {
    arity: [3, 6],
    attributes: recurrentAttributes,
    compose: (g, [x, w, r, b, lengths, h], attributes) =>
      recurrentLayer(g, { x, w, r, b, lengths, initial: [h] }, attributes, rnnCell),
  },
};
