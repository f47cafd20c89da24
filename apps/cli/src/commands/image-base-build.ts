import { resolve } from "node:path";
import { type BuiltImage, OciLayout, putRuntime } from "@selvedge/registry";
import { buildInstalledRuntime } from "../operator/build-runtime.ts";
import { withOperator } from "../operator/operator-session.ts";
import { runtimeRepository } from "../operator/runtime-repository.ts";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import { formatBytes } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface ImageBaseBuildOptions extends OperatorOptions {
  readonly node?: string;
  readonly systemRoot: string;
  readonly strip: boolean;
  readonly output?: string;
}

/** Builds the runtime, and gives it to the coordinator or writes it to a folder. */
export async function run(terminal: Terminal, options: ImageBaseBuildOptions): Promise<void> {
  const { node, output, strip } = options;
  const systemRoot = resolve(terminal.workingFolder, options.systemRoot);
  const build = await buildInstalledRuntime(terminal, {
    systemRoot,
    strip,
    ...(node !== undefined && { node: resolve(terminal.workingFolder, node) }),
  });
  if (output !== undefined) {
    const folder = resolve(terminal.workingFolder, output);
    const { descriptor } = await putRuntime(build, await OciLayout.create(folder), "latest");
    return write(terminal, options, build, { digest: descriptor.digest, folder });
  }
  await withOperator(terminal, options, async (session) => {
    const { descriptor } = await putRuntime(build, runtimeRepository(session), "latest");
    const { host } = new URL(session.file.url);
    write(terminal, options, build, { digest: descriptor.digest, reference: `${host}/selvedge/runtime` });
  });
}

function write(
  { stdout }: Terminal,
  { json }: ImageBaseBuildOptions,
  { layers, manifest, unpackedBytes }: BuiltImage,
  where: { readonly digest: string; readonly folder?: string; readonly reference?: string },
): void {
  const packedBytes = layers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const architecture = manifest.descriptor.platform?.architecture ?? "";
  if (json) {
    writeJson(stdout, { ...where, architecture, packedBytes, unpackedBytes });
    return;
  }
  stdout.write(
    renderFields([
      ["runtime", `${where.reference ?? where.folder} (${where.digest})`],
      ["architecture", architecture],
      ["size", `${formatBytes(packedBytes)} to pull, ${formatBytes(unpackedBytes)} unpacked`],
    ]),
  );
}
