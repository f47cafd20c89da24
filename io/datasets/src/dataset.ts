import type { PlanTarget, TableSchema, TextSchema } from "@selvedge/protocol";

/** Examples and what is learned of each, held in memory, in row-major order. */
export interface Dataset {
  readonly name: string;
  readonly length: number;
  /** Shape of one example, without the batch dimension. */
  readonly inputShape: readonly number[];
  /** `length` times the product of `inputShape` values. */
  readonly inputs: Uint8Array | Float32Array;
  /** What a model sees is `inputs * scale`; 1/255 for 8-bit images. */
  readonly scale: number;
  readonly targets: Targets;
}

/** What is learned of each example; `values` are `length` times the product of `shape`. */
export type Targets =
  /** Indices of classes, 0 <= value < classes, or the plan's of what to ignore. */
  | {
      readonly kind: "class";
      readonly classes: number;
      readonly shape: readonly number[];
      readonly values: Int32Array;
    }
  | { readonly kind: "numbers"; readonly shape: readonly number[]; readonly values: Float32Array }
  /** The example itself. */
  | { readonly kind: "input" };

/** One class of each example. */
export type ClassTargets = Extract<Targets, { readonly kind: "class" }>;

export function classTargets(classes: number, values: Int32Array): ClassTargets {
  return { kind: "class", classes, shape: [], values };
}

/** How a plan reads a dataset. */
export interface DatasetReading {
  readonly target: PlanTarget;
  /** How the rows of a table become examples; null for data without columns. */
  readonly table: TableSchema | null;
  /** How a text becomes examples; null for data that is none. */
  readonly text: TextSchema | null;
}

/** What a plan asks of a dataset. */
export interface DatasetWish extends DatasetReading {
  readonly name: string;
  /** Shape of one example, without the batch dimension. */
  readonly inputShape: readonly number[];
}

/** What the head of a file says, before the rest of it is read. */
export type DatasetDescription =
  | {
      readonly kind: "array";
      readonly length: number;
      /** Shape of one example, without the batch dimension. */
      readonly inputShape: readonly number[];
      readonly labels: LabelDescription | null;
      /** Of which the labels are, as its owner says. */
      readonly classes: number | undefined;
    }
  /** Columns by the names that jobs use; null when each row says for itself what it has. */
  | { readonly kind: "table"; readonly columns: readonly string[] | null }
  | { readonly kind: "text" };

export interface LabelDescription {
  /** Of the labels of one example. */
  readonly shape: readonly number[];
  /** Whether they are stored as whole numbers. */
  readonly isWhole: boolean;
}

/** Where a dataset lies and how to read it: plain data, so that it can cross to a child process. */
export type DatasetSource = IdxSource | CsvSource | JsonLinesSource | NpySource | NpzSource | TextSource;

/** Two IDX files as Yann LeCun's MNIST page defines them. */
export interface IdxSource {
  readonly format: "idx";
  readonly imagesPath: string;
  /** Needed where labels are learned. */
  readonly labelsPath?: string;
  /** How many its owner says there are; what the plan says when absent. */
  readonly classes?: number;
  /** What messages call it; the name of the images file when absent. */
  readonly name?: string;
}

/** One whose examples have one class each. */
export type LabelledIdxSource = IdxSource & Required<Pick<IdxSource, "labelsPath" | "classes">>;

/** A table as comma-separated values (RFC 4180), UTF-8, with a line of column names. */
export interface CsvSource extends TableSource {
  readonly format: "csv";
  /** One character between cells; a comma when absent. */
  readonly delimiter?: string;
  /** Cells that mean "no value"; the empty one when absent. */
  readonly missing?: readonly string[];
}

/** A table with one JSON object a line (JSON Lines), UTF-8; null and an absent key mean "no value". */
export interface JsonLinesSource extends TableSource {
  readonly format: "jsonl";
}

interface TableSource {
  readonly path: string;
  /**
   * The only columns that may be read: from the name that jobs use to the file's own.
   * All, under the file's names, when absent.
   */
  readonly columns?: Readonly<Record<string, string>>;
  readonly name?: string;
}

/** A text, UTF-8. */
export interface TextSource {
  readonly format: "text";
  readonly path: string;
  readonly name?: string;
}

/** Two NumPy files: inputs [N, ...] and labels [N, ...]. */
export interface NpySource extends ArraySource {
  readonly format: "npy";
  readonly inputsPath: string;
  /** Needed where labels are learned. */
  readonly labelsPath?: string;
}

/** One NumPy archive, as `numpy.savez` and `savez_compressed` write it, with two of its arrays. */
export interface NpzSource extends ArraySource {
  readonly format: "npz";
  readonly path: string;
  readonly inputs: string;
  readonly labels: string;
}

interface ArraySource {
  /** How many its owner says there are; what the plan says when absent. */
  readonly classes?: number;
  /** What a model sees is the file's number times this; 1 when absent. */
  readonly scale?: number;
  readonly name?: string;
}
