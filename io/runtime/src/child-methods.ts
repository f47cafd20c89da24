/** What one method takes and gives. All three must survive structured clone. */
export interface MethodShape {
  readonly argument: unknown;
  readonly result: unknown;
  readonly progress?: unknown;
}

/** The contract of one kind of child: method names to their shapes. */
export type MethodTable<M> = { readonly [K in keyof M]: MethodShape };

export type ProgressOf<S extends MethodShape> = S extends { readonly progress: infer P } ? P : never;

/** What a child implements, one function a method. */
export type Handlers<M extends MethodTable<M>> = {
  readonly [K in keyof M]: (
    argument: M[K]["argument"],
    progress: (value: ProgressOf<M[K]>) => void,
  ) => Promise<M[K]["result"]> | M[K]["result"];
};

/** Parent to child. */
export interface CallMessage {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

/** An error as it crosses the process border. */
export interface ErrorMessage {
  readonly code: string;
  readonly message: string;
  readonly at: string | undefined;
  readonly fix: string | undefined;
  readonly stack: string | undefined;
}

/** Child to parent. */
export type ReplyMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "progress"; readonly id: number; readonly value: unknown }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: ErrorMessage };
