/**
 * Names of the inputs and outputs that every batch-loop graph has.
 *
 * | input | type | shape | |
 * |---|---|---|---|
 * | examples | uint8, float32 or int32 | [N, ...inputShape] | the whole dataset; never copied |
 * | labels | int32 or float32 | [N, ...target.shape] | what is to be learned; not there where that is the input |
 * | order | int32 | [n] | which examples, in which order; cut into batches |
 * | batchSize | int64 | [] | how many examples the model sees at once |
 * | steps | int64 | [] | how many batches: ceil(n / (batchSize * accumulate)), the last one may be short |
 * | learningRate | float32 | [], or [steps] | training only; of each step, where the graph is `scheduled` |
 * | stepsBefore | int64 | [] | training with an optimizer that keeps a state, or at random: how many steps earlier runs took |
 * | seed | int64 | [] | training at random only: what dropout is a function of, beside the steps taken; below 2^53 |
 *
 * | output | type | shape | |
 * |---|---|---|---|
 * | loss | float32 | [steps] or [steps, 1] | sum over each batch of what the loss averages |
 * | weight | float32 | [steps] or [steps, 1] | what the mean divides that by: the examples, places or numbers of each batch |
 * | correct | float32 | [steps] | where targets are classes: those of each batch predicted right |
 * | counted | float32 | [steps] or [steps, 1] | likewise: of how many |
 * | among_k | float32 | [steps] | evaluation, where asked for: those whose class was among the k highest scores |
 * | classCounts | float32 | [steps, 3, classes] | likewise: how often each class was predicted rightly, was predicted, was there |
 * | logLoss | float32 | [steps] | likewise: the sum of -ln of the class's probability |
 * | errors | float64 | [steps, 4] | evaluation of numbers: the sums of abs(y - t), (y - t)², t and t² |
 * | margin | float32 | [steps, batchSize] | evaluation of two classes only: score of the second minus the first |
 */
export const ports = {
  examples: "examples",
  labels: "labels",
  order: "order",
  batchSize: "batch_size",
  steps: "steps",
  learningRate: "learning_rate",
  stepsBefore: "steps_before",
  seed: "seed",
  loss: "loss",
  weight: "weight",
  correct: "correct",
  counted: "counted",
  margin: "margin",
  among: "among",
  classCounts: "class_counts",
  logLoss: "log_loss",
  errors: "errors",
} as const;
