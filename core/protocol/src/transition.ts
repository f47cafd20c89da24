/** What a step gives back: the next state and what the shell must then do. */
export interface Transition<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}
