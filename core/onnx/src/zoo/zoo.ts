import { SelvedgeError } from "@selvedge/protocol";
import type { Loss } from "../losses.ts";
import type { OnnxModel } from "../model.ts";
import { buildAutoencoder } from "./build-autoencoder.ts";
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
import { buildUnet } from "./build-unet.ts";

/** Everything that a model of the zoo may be built for; what does not concern one is left aside. */
export interface ZooOptions
  extends Omit<NetworkOptions, "classes">,
    Pick<TabularOptions, "categories">,
    Pick<TextOptions, "vocabulary"> {
  /** What all models need that have them in their example. */
  readonly classes?: number;
}

export interface ZooEntry {
  /** What it is, in a few words. */
  readonly about: string;
  /** What the sizes of its input are. */
  readonly input: string;
  /** What it is usually built for. */
  readonly example: Omit<ZooOptions, "seed">;
  /** What it is usually trained by. */
  readonly loss: Loss;
  /** Whether what it learns is its input. */
  readonly learnsInput?: true;
  /** What the numbers of its input have to be, in words, where not any will do. */
  readonly takesCodes?: string;
  build(options: ZooOptions): OnnxModel;
}

const image = "channels x height x width";
const digits = { inputShape: [1, 28, 28], classes: 10 };
const pictures = { inputShape: [3, 32, 32], classes: 10 };
const classification: Loss = { name: "softmax-cross-entropy" };
const text = { inputShape: [80], classes: 90 };

/** Models that can be built for any data of the right form, by name. */
export const zoo: Readonly<Record<string, ZooEntry>> = {
  mlp: {
    about: "multilayer perceptron, two hidden layers of 200",
    input: "any",
    example: { inputShape: [784], classes: 10 },
    ...classifier((options) => buildMlp({ hidden: [200, 200], ...options })),
  },
  lenet: {
    about: "LeNet-5, average pooling and tanh",
    input: image,
    example: digits,
    ...classifier(buildLenet),
  },
  cnn: {
    about: "two convolutions and a hidden layer of 512, as in the FedAvg paper",
    input: image,
    example: digits,
    ...classifier((options) => buildCnn({ ...fedAvgCnn, ...options })),
  },
  resnet: { about: "ResNet-20", input: image, example: pictures, ...classifier(buildResnet) },
  mobilenet: {
    about: "small MobileNetV2, depthwise convolutions and hard swish",
    input: image,
    example: pictures,
    ...classifier(buildMobilenet),
  },
  cnn1d: {
    about: "convolutions along time, for windows of sensor readings",
    input: "channels x steps",
    example: { inputShape: [9, 128], classes: 6 },
    ...classifier(buildCnn1d),
  },
  transformer: {
    about: "transformer encoder with a classification head",
    input: "steps x features",
    example: { inputShape: [128, 9], classes: 6 },
    ...classifier(buildTransformer),
  },
  "char-lstm": {
    about: "two LSTM layers of 256 over characters, as in the FedAvg paper",
    input: "steps of a text",
    takesCodes: "codes from 0",
    example: text,
    ...classifier((options) => buildCharRnn("LSTM", 256, options)),
  },
  "char-gru": {
    about: "two GRU layers of 128 over characters",
    input: "steps of a text",
    takesCodes: "codes from 0",
    example: text,
    ...classifier((options) => buildCharRnn("GRU", 128, options)),
  },
  gpt: {
    about: "decoder-only language model of two layers",
    input: "steps of a text",
    takesCodes: "codes from 0",
    example: text,
    ...classifier(buildGpt),
  },
  tabular: {
    about: "embeddings of codes beside numbers, for rows of a table",
    input: "columns",
    takesCodes: "codes from 0 in the first columns, as --categories says",
    example: { inputShape: [8], classes: 2, categories: [12, 7, 24] },
    ...classifier(buildTabular),
  },
  autoencoder: {
    about: "convolutional autoencoder, down to a quarter of the sides and up again",
    input: image,
    example: { inputShape: [1, 28, 28] },
    loss: { name: "mean-squared-error" },
    learnsInput: true,
    build: buildAutoencoder,
  },
  unet: {
    about: "small U-Net: classes of each pixel",
    input: image,
    example: { inputShape: [3, 64, 64], classes: 2 },
    ...classifier(buildUnet),
    loss: { name: "softmax-cross-entropy", axis: 1 },
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

type ClassifierOptions = ZooOptions & Pick<NetworkOptions, "classes">;

function classifier(build: (options: ClassifierOptions) => OnnxModel): Pick<ZooEntry, "build" | "loss"> {
  return {
    loss: classification,
    build: (options) => {
      const { classes } = options;
      if (classes !== undefined) return build({ ...options, classes });
      throw new SelvedgeError("invalid_argument", "it is not said how many classes there are", {
        fix: "give a number of classes",
      });
    },
  };
}
