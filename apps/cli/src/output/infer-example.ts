/** An input as the Open Inference Protocol's model metadata describes it; -1 = any size. */
export interface InferInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** A line for a shell that asks a served model about one example of zeros, in the shape it takes. */
export function inferExample(url: string, model: string, inputs: readonly InferInput[]): string {
  return `curl -s ${url}/v2/models/${model}/infer -d '{"inputs":[${inputs.map(inputText).join(",")}]}'`;
}

function inputText({ name, datatype, shape }: InferInput): string {
  const sizes = shape.map((size) => Math.max(1, size));
  const count = sizes.reduce((product, size) => product * size, 1);
  const zero = zeros[datatype] ?? "0";
  const data =
    count <= inlineMax
      ? Array(count).fill(zero).join(",")
      : `'$(yes '${zero}' | head -n ${count} | paste -sd, -)'`;
  // A quote would end the shell's string.
  const quoted = JSON.stringify(name).replaceAll("'", "\\u0027");
  return `{"name":${quoted},"datatype":"${datatype}","shape":[${sizes.join(",")}],"data":[${data}]}`;
}

/** As JSON, where it is not 0. */
const zeros: Readonly<Record<string, string>> = { BOOL: "false", BYTES: '""' };
const inlineMax = 16;
