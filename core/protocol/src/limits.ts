/**
 * Every limit on what may come in from outside, in one place. Both sides check
 * the same numbers; SPEC.md names them where a peer can notice.
 */
export const limits = {
  /** One encoded Envelope, bytes. */
  envelopeBytesMax: 1_048_576,
  /** One encoded Plan, bytes. */
  planBytesMax: 65_536,
  /** Signed release or round metadata, bytes. */
  metadataBytesMax: 1_048_576,
  /** One blob (a model, weights, an update), bytes. */
  blobBytesMax: 4_294_967_296,
  /** A body of one operator or enrolment call, bytes. */
  requestBytesMax: 1_048_576,
  /** Largest byte range a blob is asked for in one request. */
  blobChunkBytes: 1_048_576,
  /** Devices in one cohort. */
  cohortMax: 10_000,
  roundsMax: 100_000,
  /** Metrics in one submission. */
  metricsMax: 32,
  /** Parameters of one model. */
  parametersMax: 536_870_912,
  /** One file of a dataset, bytes; it is held in memory whole. */
  datasetFileBytesMax: 1_073_741_824,
  /** Dimensions of one array in a dataset file, the examples' own included. */
  datasetRankMax: 8,
  /** One name: a device, a job, a dataset, a model. */
  nameLengthMax: 64,
  /** A reason in words, characters. */
  reasonLengthMax: 500,
} as const;

/** Names are lower-case words that are safe in a path, a URL and an image tag. */
export const namePattern: RegExp = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;
