import { shellWord } from "./shell-word.ts";

/** An input as the Open Inference Protocol's model metadata describes it; -1 = any size. */
export interface InferInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** Files that whoever asks needs. */
export interface InferAccess {
  readonly tokenFile?: string;
  /** The server's certificate. */
  readonly tlsCert?: string;
}

/** A line for a shell that asks a served model about one example of zeros, in the shape it takes. */
export function inferExample(
  url: string,
  model: string,
  inputs: readonly InferInput[],
  { tokenFile, tlsCert }: InferAccess = {},
): string {
  const trust = tlsCert === undefined ? "" : ` --cacert ${shellWord(tlsCert)}`;
  const token = tokenFile === undefined ? "" : ` -H "Authorization: Bearer $(cat ${shellWord(tokenFile)})"`;
  const body = `'{"inputs":[${inputs.map(inputText).join(",")}]}'`;
  return `curl -s${trust}${token} ${url}/v2/models/${model}/infer -d ${body}`;
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
  const safeName = JSON.stringify(name).replaceAll("'", "\\u0027");
  return `{"name":${safeName},"datatype":"${datatype}","shape":[${sizes.join(",")}],"data":[${data}]}`;
}

/** As JSON, where it is not 0. */
const zeros: Readonly<Record<string, string>> = { BOOL: "false", BYTES: '""' };
const inlineMax = 16;
