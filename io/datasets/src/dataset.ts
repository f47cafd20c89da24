/** A labelled dataset held in memory, examples in row-major order. */
export interface Dataset {
  readonly name: string;
  readonly length: number;
  /** Shape of one example, without the batch dimension. */
  readonly inputShape: readonly number[];
  readonly classes: number;
  /** `length` times the product of `inputShape` values. */
  readonly inputs: Uint8Array | Float32Array;
  /** What a model sees is `inputs * scale`; 1/255 for 8-bit images. */
  readonly scale: number;
  /** `length` class indices, 0 <= label < classes. */
  readonly labels: Int32Array;
}

/** What the head of a file says, before the rest of it is read. */
export type DatasetDescription =
  | {
      readonly kind: "array";
      readonly length: number;
      /** Shape of one example, without the batch dimension. */
      readonly inputShape: readonly number[];
      readonly classes: number;
    }
  /** Columns by the names that jobs use; null when each row says for itself what it has. */
  | { readonly kind: "table"; readonly columns: readonly string[] | null };

/** Where a dataset lies and how to read it: plain data, so that it can cross to a child process. */
export type DatasetSource = IdxSource | CsvSource | JsonLinesSource | NpySource | NpzSource;

/** Two IDX files as Yann LeCun's MNIST page defines them. */
export interface IdxSource {
  readonly format: "idx";
  readonly imagesPath: string;
  readonly labelsPath: string;
  readonly classes: number;
  /** What messages call it; the name of the images file when absent. */
  readonly name?: string;
}

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

/** Two NumPy files: inputs [N, ...] of numbers, labels [N] of whole numbers. */
export interface NpySource extends ArraySource {
  readonly format: "npy";
  readonly inputsPath: string;
  readonly labelsPath: string;
}

/** One NumPy archive, as `numpy.savez` and `savez_compressed` write it, with two of its arrays. */
export interface NpzSource extends ArraySource {
  readonly format: "npz";
  readonly path: string;
  readonly inputs: string;
  readonly labels: string;
}

interface ArraySource {
  readonly classes: number;
  /** What a model sees is the file's number times this; 1 when absent. */
  readonly scale?: number;
  readonly name?: string;
}
