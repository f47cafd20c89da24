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
  /** Release root metadata, whose length nothing signed announces, bytes. */
  rootMetadataBytesMax: 65_536,
  /** Release timestamp metadata, whose length nothing signed announces, bytes. */
  timestampMetadataBytesMax: 16_384,
  /** The signed release list, bytes; some 1,300 releases. Parsing takes time quadratic in it. */
  releaseListBytesMax: 262_144,
  /** Signed metadata of one round, as it stands in an offer, bytes. */
  roundMetadataBytesMax: 16_384,
  /** Root versions a device follows in one update. */
  rootRotationsMax: 1_024,
  /** One blob (a model, weights, an update), bytes. */
  blobBytesMax: 4_294_967_296,
  /** A body of one operator or enrolment call, bytes. */
  requestBytesMax: 1_048_576,
  /** The answer to one operator or enrolment call, bytes. */
  responseBytesMax: 67_108_864,
  /** The body of one inference request, bytes. */
  inferenceRequestBytesMax: 16_777_216,
  /** Id that a caller gives an inference request, characters. */
  requestIdLengthMax: 1_024,
  /** Height or width of a picture as a model takes it, pixels. */
  imageSideMax: 4_096,
  /** A picture that is sent to be classified, pixels; four times as many bytes are held of it. */
  imagePixelsMax: 16_777_216,
  /** Connections of one inference server. */
  inferenceConnectionsMax: 1_000,
  /** Largest byte range a blob is asked for in one request. */
  blobChunkBytes: 1_048_576,
  /** A blob read whole into memory, bytes; larger ones are streamed. */
  blobInMemoryBytesMax: 1_073_741_824,
  /** Key of a stored record, bytes of UTF-8. */
  recordKeyBytesMax: 512,
  /** Value of a stored record, bytes of JSON. */
  recordBytesMax: 16_777_216,
  /** Nesting of a stored record's value. */
  recordDepthMax: 64,
  /** Devices in one cohort. */
  cohortMax: 10_000,
  roundsMax: 100_000,
  /** Rounds of one job whose weights are kept. */
  checkpointsMax: 1_000,
  /** A job file as it is kept with its job, bytes. */
  jobSourceBytesMax: 65_536,
  /** Patterns of the parameters that a plan does not train, or that devices keep for themselves. */
  parameterPatternsMax: 100,
  /** Cohort times capped examples per device: what keeps a grid64 sum fine enough. */
  normaliserMax: 4_294_967_296,
  /** Metrics in one submission: those of 100 classes, and 50 more. */
  metricsMax: 350,
  /** Figures are told of no fewer devices than this, apart from the devices' whole cohort. */
  devicesToldOfMin: 3,
  /** Classes that are counted one by one. */
  countedClassesMax: 100,
  /** Among how many of the highest scores a class may be looked for. */
  amongMax: 100,
  /** Parameters of one model. */
  parametersMax: 536_870_912,
  /** One ONNX file, bytes. */
  modelBytesMax: 1_073_741_824,
  /** Nodes of one ONNX graph, those of its subgraphs included. */
  modelNodesMax: 100_000,
  /** Nodes of a training or evaluation graph compiled from one. */
  compiledNodesMax: 250_000,
  /** Graphs within graphs (Loop, If, Scan). */
  modelSubgraphDepthMax: 8,
  /** Dimensions of one tensor. */
  tensorRankMax: 16,
  /** Header of one safetensors file, bytes. */
  safetensorsHeaderBytesMax: 16_777_216,
  /** One file of a dataset, bytes; it is held in memory whole. */
  datasetFileBytesMax: 1_073_741_824,
  /** Dimensions of one array in a dataset file, the examples' own included. */
  datasetRankMax: 8,
  /** Numbers that the examples of one dataset may be, all together; 1 GiB as float32. */
  datasetValuesMax: 268_435_456,
  /** Columns of a table that make up one example. */
  tableColumnsMax: 1_024,
  /** Columns that the file of a table may have, read or not. */
  tableFileColumnsMax: 16_384,
  /** One row of a table as it stands in the file, bytes. */
  tableRowBytesMax: 1_048_576,
  /** Name of a column, or one value of a category, characters. */
  columnNameLengthMax: 128,
  /** What is learned of one example, numbers. */
  targetSizeMax: 16_777_216,
  /** Characters that a text is made of, beside those that count as one. */
  vocabularyMax: 1_000,
  /** Characters from one example of a text to the next. */
  textStrideMax: 65_536,
  /** Values of one category, or classes of a table. */
  categoryValuesMax: 1_000,
  /** Fewest values of a column that a device gives statistics of. */
  statisticsValuesMin: 10,
  /** Configuration of a round for its devices, bytes. */
  clientConfigBytesMax: 262_144,
  /** What a device answers to a statistics offer, bytes. */
  statisticsBytesMax: 1_048_576,
  /** The metrics of one evaluation as JSON, bytes. */
  evaluationBytesMax: 65_536,
  /** One PKCS #10 certificate request, bytes. */
  certificateRequestBytesMax: 4_096,
  /** The root certificates a coordinator shows to a device that does not trust it yet, bytes. */
  rootCertificatesBytesMax: 65_536,
  /** Devices that may enrol with one token. */
  tokenUsesMax: 10_000,
  /** Tags of one device, or of a join token. */
  tagsMax: 32,
  /** Longest life of a join token, seconds. */
  tokenTtlSecondsMax: 2_592_000,
  /** How long a device may be out of reach, milliseconds; a third of its certificate's life. */
  offlineBudgetMsMax: 10_368_000_000,
  /** How long after its certificate ran out a device may be renewed without an operator, milliseconds. */
  graceWindowMsMax: 31_536_000_000,
  /** Operators that are not revoked, and tokens that are compared with a caller's. */
  operatorsMax: 1_000,
  /** Longest life of an operator token, seconds. */
  operatorLifetimeSecondsMax: 31_622_400,
  /** Records of the audit log looked at for one answer. */
  auditPageMax: 1_000,
  /** One name: a device, a job, a dataset, a model. */
  nameLengthMax: 64,
  /** Manifest or index of an image, bytes. */
  imageManifestBytesMax: 4_194_304,
  /** Uploads to the registry that are under way. */
  imageUploadsMax: 32,
  /** The file of a strategy, bytes. */
  strategyBytesMax: 1_048_576,
  /** Options that a plan gives a strategy. */
  strategyOptionsMax: 32,
  /** A reason in words, characters. */
  reasonLengthMax: 500,
} as const;

/** Names are lower-case words that are safe in a path, a URL and an image tag. */
export const namePattern: RegExp = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;
