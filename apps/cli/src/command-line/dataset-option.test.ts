import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "commander";
import { datasetOption } from "./dataset-option.ts";

test("each format of data can be named on the command line", () => {
  const texts = [
    "mnist-test=idx:images,labels,10",
    "readings=csv:/data/readings.csv",
    "events=jsonl:events.jsonl",
    "arrays=npy:x.npy,y.npy,2",
    "archive=npz:data.npz,x,y,3",
    "images=idx:images",
    "numbers=npy:x.npy,y.npy",
    "masks=npz:data.npz,x,y",
    "speeches=text:a.txt",
  ];
  const parsed = texts.reduce<ReturnType<typeof datasetOption>>((all, text) => datasetOption(text, all), []);
  assert.deepEqual(parsed, [
    [
      "mnist-test",
      { format: "idx", imagesPath: "images", labelsPath: "labels", classes: 10, name: "mnist-test" },
    ],
    ["readings", { format: "csv", path: "/data/readings.csv", name: "readings" }],
    ["events", { format: "jsonl", path: "events.jsonl", name: "events" }],
    ["arrays", { format: "npy", inputsPath: "x.npy", labelsPath: "y.npy", classes: 2, name: "arrays" }],
    ["archive", { format: "npz", path: "data.npz", inputs: "x", labels: "y", classes: 3, name: "archive" }],
    ["images", { format: "idx", imagesPath: "images", name: "images" }],
    ["numbers", { format: "npy", inputsPath: "x.npy", labelsPath: "y.npy", name: "numbers" }],
    ["masks", { format: "npz", path: "data.npz", inputs: "x", labels: "y", name: "masks" }],
    ["speeches", { format: "text", path: "a.txt", name: "speeches" }],
  ]);
});

test("what is incomplete or of an unknown format is refused with the forms there are", () => {
  for (const text of [
    "a",
    "a=csv",
    "a=csv:",
    "A=csv:x",
    "a=parquet:x",
    "a=text:x,y",
    "a=npz:x,y",
    "a=idx:x,y,many",
    "a=npz:x,y,z,1",
  ]) {
    assert.throws(() => datasetOption(text), InvalidArgumentError, text);
  }
});

test("classes are as many as on a device", () => {
  for (const classes of ["2", "1000000"]) {
    const [[, source] = []] = datasetOption(`a=idx:x,y,${classes}`);
    assert.ok(source?.format === "idx" && source.classes === Number(classes));
  }
  for (const classes of ["0", "1", "1000001", "many"]) {
    assert.throws(() => datasetOption(`a=idx:x,y,${classes}`), /CLASSES is 2 to 1000000/, classes);
  }
});
