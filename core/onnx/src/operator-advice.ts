/** What would work in place of an operator, or of a use of it, that is not trained; undefined where nothing would. */
export function operatorAdvice(op: string): string | undefined {
  return advice.get(op);
}

/** Why there is no gradient, and what has one. */
const groups: readonly (readonly [operators: readonly string[], fix: string])[] = [
  [
    [
      ...["ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QLinearConv"],
      ...["QLinearMatMul", "QuantizeLinear"],
    ],
    "export the model before it is quantized, and quantize what was trained",
  ],
  [
    ["Compress", "NonMaxSuppression", "NonZero", "Unique"],
    "keep all elements, and multiply those that do not count by 0: what has a size that the data decides is not trained",
  ],
  [["If"], "choose by torch.where (Where) between both results: the branch must be known before the run"],
  [
    ["Loop"],
    "give sequences a fixed length, and write recurrent layers as LSTM, GRU or RNN, nn.EmbeddingBag as nn.Embedding and a mean",
  ],
  [
    [
      ...["ConcatFromSequence", "Optional", "OptionalGetElement", "OptionalHasElement", "SequenceConstruct"],
      ...["SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "SequenceMap"],
    ],
    "put lists of tensors together by torch.stack or torch.cat, and write nn.EmbeddingBag as nn.Embedding and a mean",
  ],
  [
    [
      ...[
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
      ],
    ],
    "take random numbers as part of the input, or use Dropout",
  ],
  [
    ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"],
    "export the model without its loss, as far as its scores: the training names a loss",
  ],
  [["MaxUnpool"], "use ConvTranspose or Resize (nn.ConvTranspose2d, nn.Upsample)"],
  [["Erfc"], "use GELU by tanh: keras.activations.gelu(x, approximate=True)"],
  [["Hardmax"], "use Softmax while it trains"],
  [["Upsample"], "export it with operator set 13 or later, where it is Resize"],
  [
    [
      ...["BlackmanWindow", "DFT", "HammingWindow", "HannWindow", "ImageDecoder", "MelWeightMatrix", "STFT"],
      ...["StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"],
    ],
    "compute features before the model, and export the network alone",
  ],
];

const advice: ReadonlyMap<string, string> = new Map(
  groups.flatMap(([operators, fix]) => operators.map((op): [string, string] => [op, fix])),
);

/** The same of domains that are not the standard's. */
export function domainAdvice(domain: string): string {
  if (domain.startsWith("com.microsoft")) {
    return "export the model again: ONNX Runtime's optimizer put operators of its own into this file";
  }
  if (domain.startsWith("org.pytorch")) {
    return "write the function of PyTorch that has no form in ONNX by others, and export again";
  }
  return "export the model with standard ONNX operators only";
}
