import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SeededRandom } from "@selvedge/protocol";

/** Files of one device, or of all. */
export interface ArrayFiles {
  readonly inputsPath: string;
  readonly labelsPath: string;
}

export interface SyntheticFiles {
  /** Nine tenths of each device's examples. */
  readonly devices: readonly ArrayFiles[];
  /** The same, together. */
  readonly train: ArrayFiles;
  /** The rest, of all devices together. */
  readonly test: ArrayFiles;
}

interface Examples {
  readonly inputs: number[];
  readonly labels: number[];
}

/**
 * The synthetic(alpha, beta) data of Li et al., Federated Optimization in Heterogeneous Networks (arXiv
 * 1812.06127, section 5.1), drawn from that description: device k has a softmax regression of its own,
 * W_k and b_k ~ N(u_k, 1) with u_k ~ N(0, alpha), and inputs x ~ N(v_k, diag(j^-1.2)) with
 * v_k ~ N(B_k, 1), B_k ~ N(0, beta); sizes are 50 and a log-normal(4, 2).
 */
export function writeSyntheticData(
  folder: string,
  { alpha, beta, seed }: { readonly alpha: number; readonly beta: number; readonly seed: number },
): SyntheticFiles {
  mkdirSync(folder, { recursive: true });
  const train: Examples = { inputs: [], labels: [] };
  const test: Examples = { inputs: [], labels: [] };
  const files = Array.from({ length: devices }, (_, device) => {
    const own = examplesOf(SeededRandom.fromSeed("synthetic", seed, device), alpha, beta);
    const cut = Math.floor(own.labels.length * 0.9);
    const mine = part(own, 0, cut);
    append(train, mine);
    append(test, part(own, cut, own.labels.length));
    return write(folder, `device-${String(device + 1).padStart(2, "0")}`, mine);
  });
  return { devices: files, train: write(folder, "train", train), test: write(folder, "test", test) };
}

function examplesOf(random: SeededRandom, alpha: number, beta: number): Examples {
  const around = (mean: number, count: number): number[] =>
    Array.from({ length: count }, () => mean + random.normal());
  const [u, b] = [random.normal() * Math.sqrt(alpha), random.normal() * Math.sqrt(beta)];
  const weights = around(u, features * classes);
  const bias = around(u, classes);
  const centre = around(b, features);
  const size = Math.floor(Math.exp(4 + 2 * random.normal())) + 50;
  const examples: Examples = { inputs: [], labels: [] };
  for (let index = 0; index < Math.min(size, sizeMax); index += 1) {
    const x = centre.map((mean, j) => mean + random.normal() * (j + 1) ** -0.6);
    const scores = bias.map((score, k) =>
      x.reduce((sum, value, j) => sum + value * (weights[j * classes + k] ?? 0), score),
    );
    examples.inputs.push(...x);
    examples.labels.push(scores.indexOf(Math.max(...scores)));
  }
  return examples;
}

function part({ inputs, labels }: Examples, start: number, end: number): Examples {
  return { inputs: inputs.slice(start * features, end * features), labels: labels.slice(start, end) };
}

function append(all: Examples, more: Examples): void {
  for (const value of more.inputs) all.inputs.push(value);
  for (const label of more.labels) all.labels.push(label);
}

function write(folder: string, name: string, { inputs, labels }: Examples): ArrayFiles {
  const [inputsPath, labelsPath] = [join(folder, `${name}.npy`), join(folder, `${name}-labels.npy`)];
  writeFileSync(inputsPath, npy("<f4", [labels.length, features], Float32Array.from(inputs)));
  writeFileSync(labelsPath, npy("<i4", [labels.length], Int32Array.from(labels)));
  return { inputsPath, labelsPath };
}

/** NumPy's format, version 1.0: a header padded so that the values begin at a multiple of 64 bytes. */
function npy(descr: string, shape: readonly number[], values: Float32Array | Int32Array): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const length = Math.ceil((preambleBytes + header.length + 1) / 64) * 64 - preambleBytes;
  const head = Buffer.alloc(preambleBytes + length, " ");
  head.write("\u0093NUMPY\u0001\u0000", "latin1");
  head.writeUInt16LE(length, 8);
  head.write(header, preambleBytes, "latin1");
  head.write("\n", head.length - 1, "latin1");
  return Buffer.concat([head, Buffer.from(values.buffer, values.byteOffset, values.byteLength)]);
}

const devices = 30;
const features = 60;
const classes = 10;
/** The log-normal has a long tail. */
const sizeMax = 20_000;
const preambleBytes = 10;
