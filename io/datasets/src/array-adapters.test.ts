import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { zipSync } from "fflate";
import { classTargets, type DatasetSource } from "./dataset.ts";
import { npyFile } from "./npy.fixture.ts";
import { describeDataset, openDataset } from "./open-dataset.ts";
import { classReading } from "./plan-reading.ts";
import { column, schema, temporaryFile } from "./table.fixture.ts";

const inputs = npyFile("<f8", [3, 2, 1], Float64Array.of(1, 2, 3, 4, 5, 6.5));
const labels = npyFile("<i8", [3], BigInt64Array.of(0n, 2n, 1n));

const three = classReading(3);
const whole = { shape: [], isWhole: true };

function npy(t: TestContext, labelFile: Uint8Array = labels): DatasetSource {
  const inputsPath = temporaryFile(t, "x.npy", inputs);
  return { format: "npy", inputsPath, labelsPath: temporaryFile(t, "y.npy", labelFile), classes: 3 };
}

function npz(t: TestContext, files: Record<string, Uint8Array>, level: 0 | 6 = 0): DatasetSource {
  const path = temporaryFile(t, "data.npz", zipSync(files, { level }));
  return { format: "npz", path, inputs: "x", labels: "y", classes: 3, scale: 2 };
}

test("[DS1] NumPy files and archives give the same examples", async (t) => {
  const files = { "x.npy": inputs, "y.npy": labels, "z.npy": Uint8Array.of(1) };
  for (const source of [npy(t), npz(t, files), npz(t, files, 6)]) {
    const { name: _, scale, ...data } = await openDataset(source, three);
    assert.equal(scale, source.format === "npz" ? 2 : 1);
    assert.deepEqual(data, {
      length: 3,
      inputShape: [2, 1],
      inputs: Float32Array.of(1, 2, 3, 4, 5, 6.5),
      targets: classTargets(3, Int32Array.of(0, 2, 1)),
    });
    const described = { kind: "array", length: 3, inputShape: [2, 1], labels: whole, classes: 3 };
    assert.deepEqual(await describeDataset(source), described);
  }
});

test("an archive is described from the head of its inputs, whatever follows it", async (t) => {
  const values = Float64Array.from({ length: 300_000 }, (_, index) => Math.sin(index));
  const files = { "y.npy": labels, "x.npy": npyFile("<f8", [3, 100_000], values) };
  for (const level of [0, 6] as const) {
    const bytes = zipSync(files, { level });
    const path = temporaryFile(t, "data.npz", bytes.subarray(0, 200_000));
    const source: DatasetSource = { format: "npz", path, inputs: "x", labels: "y", classes: 3 };
    const described = { kind: "array", length: 3, inputShape: [100_000], labels: whole, classes: 3 };
    assert.deepEqual(await describeDataset(source), described);
    await assert.rejects(openDataset(source, three), { code: "corrupt" });
  }
});

test("[DS3] an archive that is none or lacks the inputs is not described", async (t) => {
  const none = temporaryFile(t, "data.npz", "not an archive");
  const source: DatasetSource = { format: "npz", path: none, inputs: "x", labels: "y", classes: 3 };
  await assert.rejects(describeDataset(source), { code: "corrupt" });
  await assert.rejects(describeDataset(npz(t, { "y.npy": labels })), { code: "failed_precondition" });
  const deflated = Buffer.from(zipSync({ "x.npy": inputs }, { level: 6 }));
  deflated.fill(0xff, deflated.indexOf("x.npy") + 5, deflated.indexOf("x.npy") + 25);
  const broken = temporaryFile(t, "data.npz", deflated);
  await assert.rejects(describeDataset({ ...source, path: broken }), { code: "corrupt" });
});

test("[DS3] labels that are fractions, too few, or not below the number of classes are refused", async (t) => {
  const cases: readonly [Uint8Array, string][] = [
    [npyFile("<f4", [3], Float32Array.of(0, 1, 2)), "unsupported"],
    [npyFile("<i4", [2], Int32Array.of(0, 1)), "corrupt"],
    [npyFile("<i4", [3, 2], Int32Array.of(0, 1, 2, 0, 1, 2)), "corrupt"],
    [npyFile("<i4", [3], Int32Array.of(0, 1, 3)), "corrupt"],
    [npyFile("<i4", [3], Int32Array.of(0, 1, -1)), "corrupt"],
  ];
  for (const [file, code] of cases) await assert.rejects(openDataset(npy(t, file), three), { code });
});

test("[DS3] an archive that is none, lacks an array or lies about a size is refused", async (t) => {
  const none = temporaryFile(t, "data.npz", "not an archive");
  const source: DatasetSource = { format: "npz", path: none, inputs: "x", labels: "y", classes: 3 };
  await assert.rejects(openDataset(source, three), { code: "corrupt" });
  await assert.rejects(openDataset(npz(t, { "x.npy": inputs }), three), { code: "failed_precondition" });

  const bytes = Buffer.from(zipSync({ "x.npy": inputs, "y.npy": labels }, { level: 6 }));
  const entry = bytes.indexOf("PK\u0001\u0002", 0, "latin1");
  const lie = (size: number): string => {
    const lying = Buffer.from(bytes);
    lying.writeUInt32LE(size, entry + 24);
    return temporaryFile(t, "data.npz", lying);
  };
  await assert.rejects(openDataset({ ...source, path: lie(2 ** 31) }, three), { code: "too_large" });
  await assert.rejects(openDataset({ ...source, path: lie(64) }, three), { code: "corrupt" });
  // Refused before memory is taken for it.
  await assert.rejects(
    openDataset({ ...source, path: lie(2 ** 29) }, three),
    /cannot be 536870912 bytes unpacked/,
  );
});

test("arrays have no columns", async (t) => {
  await assert.rejects(openDataset(npy(t), classReading(3, schema(column("a")))), {
    code: "failed_precondition",
  });
});
