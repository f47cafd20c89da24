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

/** Where a dataset lies and how to read it: plain data, so that it can cross to a child process. */
export type DatasetSource = IdxSource;

/** Two IDX files as Yann LeCun's MNIST page defines them. */
export interface IdxSource {
  readonly format: "idx";
  readonly imagesPath: string;
  readonly labelsPath: string;
  readonly classes: number;
  /** What messages call it; the name of the images file when absent. */
  readonly name?: string;
}
