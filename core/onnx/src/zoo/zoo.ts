import { SelvedgeError } from "@selvedge/protocol";
import type { OnnxModel } from "../model.ts";
import { buildCharRnn, type TextOptions } from "./build-char-rnn.ts";
import { buildCnn, fedAvgCnn } from "./build-cnn.ts";
import { buildCnn1d } from "./build-cnn1d.ts";
import { buildGpt } from "./build-gpt.ts";
import { buildLenet } from "./build-lenet.ts";
import { buildMlp } from "./build-mlp.ts";
import { buildMobilenet } from "./build-mobilenet.ts";
import type { NetworkOptions } from "./build-network.ts";
import { buildResnet } from "./build-resnet.ts";
import { buildTabular, type TabularOptions } from "./build-tabular.ts";
import { buildTransformer } from "./build-transformer.ts";

/** Everything that a model of the zoo may be built for; what does not concern one is left aside. */
export interface ZooOptions
  extends NetworkOptions,
    Pick<TabularOptions, "categories">,
    Pick<TextOptions, "vocabulary"> {}

export interface ZooEntry {
  /** What it is, in a few words. */
  readonly about: string;
  /** What the sizes of its input are. */
  readonly input: string;
  /** What it is usually built for. */
  readonly example: Omit<ZooOptions, "seed">;
  build(options: ZooOptions): OnnxModel;
}

const image = "channels x height x width";
const digits = { inputShape: [1, 28, 28], classes: 10 };
const pictures = { inputShape: [3, 32, 32], classes: 10 };

const text = { inputShape: [80], classes: 90 };

/** Models that can be built for any data of the right form, by name. */
export const zoo: Readonly<Record<string, ZooEntry>> = {
  mlp: {
    about: "multilayer perceptron, two hidden layers of 200",
    input: "any",
    example: { inputShape: [784], classes: 10 },
    build: (options) => buildMlp({ hidden: [200, 200], ...options }),
  },
  lenet: { about: "LeNet-5, average pooling and tanh", input: image, example: digits, build: buildLenet },
  cnn: {
    about: "two convolutions and a hidden layer of 512, as in the FedAvg paper",
    input: image,
    example: digits,
    build: (options) => buildCnn({ ...fedAvgCnn, ...options }),
  },
  resnet: { about: "ResNet-20", input: image, example: pictures, build: buildResnet },
  mobilenet: {
    about: "small MobileNetV2, depthwise convolutions and hard swish",
    input: image,
    example: pictures,
    build: buildMobilenet,
  },
  cnn1d: {
    about: "convolutions along time, for windows of sensor readings",
    input: "channels x steps",
    example: { inputShape: [9, 128], classes: 6 },
    build: buildCnn1d,
  },
  transformer: {
    about: "transformer encoder with a classification head",
    input: "steps x features",
    example: { inputShape: [128, 9], classes: 6 },
    build: buildTransformer,
  },
  "char-lstm": {
    about: "two LSTM layers of 256 over characters, as in the FedAvg paper",
    input: "steps of a text",
    example: text,
    build: (options) => buildCharRnn("LSTM", 256, options),
  },
  "char-gru": {
    about: "two GRU layers of 128 over characters",
    input: "steps of a text",
    example: text,
    build: (options) => buildCharRnn("GRU", 128, options),
  },
  gpt: {
    about: "decoder-only language model of two layers",
    input: "steps of a text",
    example: text,
    build: buildGpt,
  },
  tabular: {
    about: "embeddings of codes beside numbers, for rows of a table",
    input: "columns",
    example: { inputShape: [8], classes: 2, categories: [12, 7, 24] },
    build: buildTabular,
  },
};

/**
 * @throws SelvedgeError `invalid_argument` for a name that is not in the zoo or sizes that make
 *   no network, `too_large`
 */
export function buildZooModel(name: string, options: ZooOptions): OnnxModel {
  const entry = Object.hasOwn(zoo, name) ? zoo[name] : undefined;
  if (entry !== undefined) return entry.build(options);
  throw new SelvedgeError("invalid_argument", `there is no model "${name}" in the zoo`, {
    fix: `use one of ${Object.keys(zoo).join(", ")}`,
  });
}
