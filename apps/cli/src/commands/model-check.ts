import { resolve } from "node:path";
import { describeModel, type Loss, type TrainedTensor, trainingReport } from "@selvedge/onnx";
import { trainingCost } from "@selvedge/runtime";
import { compileModel, plainTraining, readModelFile } from "../job-file/compile-model.ts";
import { writeJson } from "../output/json.ts";
import { renderFields, renderTable } from "../output/table.ts";
import { formatBytes, formatCount } from "../output/units.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export interface ModelCheckOptions extends GlobalOptions {
  readonly batchSize: number;
  readonly loss: string;
  /** Of the loss "custom": the model's output that it is. */
  readonly lossOutput?: string;
}

/** Says what training an ONNX file would change and take. Nothing is run. */
export async function run(terminal: Terminal, options: ModelCheckOptions, file: string): Promise<void> {
  const { batchSize, lossOutput } = options;
  const path = resolve(terminal.workingFolder, file);
  const loss = { name: options.loss, ...(lossOutput !== undefined && { output: lossOutput }) } as Loss;
  const { model, graph } = compileModel(await readModelFile(path), path, { ...plainTraining, loss });
  const { inputShape, outputShape, classes } = graph;
  const { trained, frozen } = trainingReport(model, graph);
  const cost = { batchSize, ...trainingCost(graph, batchSize) };
  if (options.json)
    return writeJson(terminal.stdout, { inputShape, outputShape, classes, trained, frozen, cost });
  const shape = (sizes: readonly number[]): string => `[${sizes.join(", ")}]`;
  terminal.stdout.write(
    renderFields([
      ["takes", `${shape(inputShape)}, ${describeModel(model).inputs[0]?.type}`],
      [
        "gives",
        (classes ?? 0) > 1 && classes === outputShape[0]
          ? `${classes} classes`
          : `${shape(outputShape)}, float32`,
      ],
      ["parameters", formatCount(cost.parameters)],
      ["memory", `${formatBytes(cost.memoryBytes)} and the data, in batches of ${batchSize}`],
      ["multiply-adds", `${formatCount(cost.multiplyAdds)} a step`],
    ]),
  );
  const rows = [
    ...trained.map((tensor) => [tensor.name, shape(tensor.shape), `trained${sharing(tensor)}`]),
    ...frozen.map((tensor) => [tensor.name, shape(tensor.shape), `frozen: ${tensor.why}`]),
  ];
  terminal.stdout.write(`\n${renderTable([{ title: "TENSOR" }, { title: "SHAPE" }, { title: "" }], rows)}`);
}

/** A weight that stands in several places gets the sum of what they say of it. */
function sharing({ readBy }: TrainedTensor): string {
  return readBy.length < 2 ? "" : `, one weight in ${readBy.length} places: ${readBy.join(", ")}`;
}
