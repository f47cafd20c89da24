import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { parseModel, ports, readParameters, slotOf, type TrainingGraph, trainingGraph } from "@selvedge/onnx";
import { NativeSession, type Tensor, type Tensors } from "@selvedge/runtime";
import { inputFormat, type Reference, type ReferenceTensor, readReference } from "./reference.fixture.ts";

/** Trains an ONNX file, and compares it with what its reference says: losses, gradients and weights. */
export async function assertParity(file: string, reference: string): Promise<void> {
  await using subject = await Subject.load(file, reference);
  await subject.compareGradients();
  await subject.compareTraining();
}

/** A model under test, and what it must become. */
class Subject {
  static async load(file: string, referencePath: string): Promise<Subject> {
    const reference = await readReference(referencePath);
    const model = parseModel(await readFile(file));
    const options = { ...inputFormat(reference), loss: reference.loss, optimizer: "sgd" } as const;
    const graph = trainingGraph(model, options);
    return new Subject(
      reference,
      graph,
      readParameters(model, graph.layout),
      await NativeSession.load(graph.bytes),
    );
  }

  readonly reference: Reference;
  readonly graph: TrainingGraph;
  readonly initial: Float32Array;
  readonly session: NativeSession;

  private constructor(
    reference: Reference,
    graph: TrainingGraph,
    initial: Float32Array,
    session: NativeSession,
  ) {
    this.reference = reference;
    this.graph = graph;
    this.initial = initial;
    this.session = session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.release();
  }

  /** SGD's w' is w - ηg: at an enormous rate, w - w' is all gradient. */
  async compareGradients(): Promise<void> {
    const outputs = await this.run(1, enormousRate);
    const slots = this.graph.layout.slots.filter(({ name }) =>
      this.reference.tensors.has(`gradient/${name}`),
    );
    assert.notEqual(slots.length, 0);
    const pairs = slots.map((slot) => {
      const [before, after] = [slotOf(this.initial, slot), floats(outputs, `updated/${slot.name}`)];
      const got = before.map((value, index) => (value - (after[index] ?? Number.NaN)) / enormousRate);
      return { name: slot.name, got, wanted: this.wanted(`gradient/${slot.name}`).data };
    });
    // Some gradients are zero but for rounding, such as that of a bias before a batch normalization.
    const rounding = 1e-6 * Math.hypot(...pairs.map(({ wanted }) => norm(wanted)));
    for (const { name, got, wanted } of pairs) {
      assertClose(got, wanted, relativeErrorMax * norm(wanted) + rounding, `gradient of ${name}`);
    }
  }

  async compareTraining(): Promise<void> {
    const { data: losses } = this.wanted("losses");
    const outputs = await this.run(losses.length, this.reference.learningRate);
    const [sums, weights] = [floats(outputs, ports.loss), floats(outputs, ports.weight)];
    assert.equal(sums.length, losses.length);
    for (const [step, wanted] of losses.entries()) {
      const got = (sums[step] ?? Number.NaN) / (weights[step] ?? Number.NaN);
      assert.ok(Math.abs(got - wanted) <= relativeErrorMax * wanted, `loss ${step} is ${got}, not ${wanted}`);
    }
    for (const { name } of this.graph.layout.slots) {
      const { data: wanted } = this.wanted(`trained/${name}`);
      const got = floats(outputs, `updated/${name}`);
      assertClose(got, wanted, relativeErrorMax * norm(wanted), `${name} after ${losses.length} steps`);
    }
  }

  private run(steps: number, learningRate: number): Promise<Tensors> {
    const { batchSize } = this.reference;
    const [inputs, labels] = [this.wanted("inputs"), this.wanted("labels")];
    const length = Math.min(steps * batchSize, inputs.shape[0] ?? 0);
    const parameters = this.graph.layout.slots.map((slot, index) => [
      this.graph.parameters[index] ?? "",
      tensorOf({ shape: slot.shape, data: slotOf(this.initial, slot) }),
    ]);
    return this.session.run({
      ...Object.fromEntries(parameters),
      [ports.examples]: tensorOf(inputs),
      [ports.labels]: tensorOf(labels),
      [ports.order]: { type: "int32", dims: [length], data: Int32Array.from(Array(length).keys()) },
      [ports.batchSize]: { type: "int64", dims: [], data: BigInt64Array.of(BigInt(batchSize)) },
      [ports.steps]: { type: "int64", dims: [], data: BigInt64Array.of(BigInt(steps)) },
      [ports.learningRate]: { type: "float32", dims: [], data: Float32Array.of(learningRate) },
      ...(this.graph.isCounting && {
        [ports.stepsBefore]: { type: "int64", dims: [], data: BigInt64Array.of(0n) },
      }),
      ...(this.graph.isRandom && { [ports.seed]: { type: "int64", dims: [], data: BigInt64Array.of(1n) } }),
    });
  }

  private wanted(name: string): ReferenceTensor {
    const tensor = this.reference.tensors.get(name);
    assert.ok(tensor !== undefined, `the reference has "${name}"`);
    return tensor;
  }
}

function tensorOf({ shape, data }: ReferenceTensor): Tensor {
  if (data instanceof Int32Array) return { type: "int32", dims: shape, data };
  if (data instanceof Float64Array) return { type: "float64", dims: shape, data };
  return { type: "float32", dims: shape, data };
}

function floats(outputs: Tensors, name: string): Float32Array {
  const tensor = outputs[name];
  assert.ok(tensor?.type === "float32", `the graph gives "${name}"`);
  return tensor.data;
}

type Numbers = ReferenceTensor["data"];

function assertClose(got: Numbers, wanted: Numbers, tolerance: number, what: string): void {
  assert.equal(got.length, wanted.length, what);
  const error = norm(Float64Array.from(wanted, (value, index) => value - (got[index] ?? Number.NaN)));
  assert.ok(error <= tolerance, `${what} is off by ${error / norm(wanted)} of itself`);
}

function norm(values: Numbers): number {
  return Math.hypot(...values);
}

const relativeErrorMax = 1e-4;
/** A power of two: multiplying by it rounds nothing. */
const enormousRate = 2 ** 20;
