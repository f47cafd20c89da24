import type { GraphBuilder } from "./graph-builder.ts";
import type { Value } from "./operator.ts";
import type { OptimizerRule, StateSlot } from "./optimizers/optimizer-rule.ts";
import type { ParameterLayout, ParameterSlot } from "./parameters.ts";

/** What an optimizer keeps from step to step, beside the parameters; kept, a training goes on as if it had not stopped. */
export interface OptimizerState {
  /** How it lies in one flat float32 vector; a tensor is named as what it is and of which parameter: `momentum/w`. */
  readonly layout: ParameterLayout;
  /** Inputs that take it, float32, in the order of the layout. */
  readonly inputs: readonly string[];
  /** Outputs that hold what has become of it, float32, in the order of the layout. */
  readonly outputs: readonly string[];
  /** What every element of each tensor is before the first step. */
  readonly initial: readonly number[];
}

/** The state of an optimizer that trains the parameters of these slots. */
export function optimizerState(rule: OptimizerRule, slots: readonly ParameterSlot[]): OptimizerState {
  const pairs = rule.state.flatMap((kind) => slots.map((slot) => [kind, slot] as const));
  const placed: ParameterSlot[] = [];
  let offset = 0;
  for (const [kind, { name, shape, length }] of pairs) {
    placed.push({ name: `${kind.name}/${name}`, shape, offset, length });
    offset += length;
  }
  return {
    layout: { slots: placed, length: offset },
    inputs: placed.map(({ name }) => `state/${name}`),
    outputs: placed.map(({ name }) => `next_state/${name}`),
    initial: pairs.map(([kind]) => kind.initial),
  };
}

/** Before the first step, as one vector. */
export function initialState({ layout, initial }: OptimizerState): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.length);
  for (const [index, { offset, length }] of layout.slots.entries()) {
    flat.fill(initial[index] ?? 0, offset, offset + length);
  }
  return flat;
}

export function stateInputs(g: GraphBuilder, { layout, inputs }: OptimizerState): Value[] {
  return layout.slots.map(({ shape }, index) => g.input(inputs[index] ?? "", "float32", shape));
}

/** Of values that lie kind by kind, those of one parameter. */
export function stateOfParameter(
  values: readonly Value[],
  kinds: readonly StateSlot[],
  index: number,
): readonly Value[] {
  const each = values.length / Math.max(1, kinds.length);
  return kinds.flatMap((_, kind) => values[kind * each + index] ?? []);
}
