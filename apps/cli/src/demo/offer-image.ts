import { putRuntime } from "@selvedge/registry";
import { buildInstalledRuntime } from "../operator/build-runtime.ts";
import { withOperator } from "../operator/operator-session.ts";
import { runtimeRepository } from "../operator/runtime-repository.ts";
import { lendTrust, trustFolders } from "../service/container-trust.ts";
import type { Terminal } from "../terminal.ts";

export interface OfferedImage {
  /** What pulls the model, runs it and asks it, in a shell of this machine. */
  readonly lines: readonly string[];
  /** Takes back what was written outside of the demo's folder, and puts back what was there. */
  remove(): Promise<void>;
}

export interface ImageOffer {
  readonly operatorFile: string;
  readonly model: string;
  /** A request to ask it with. */
  readonly bodyPath: string;
}

/**
 * Makes the model an image that anyone on this machine may pull, and its
 * coordinator somebody whom this user's Podman believes while the demo runs.
 *
 * @throws SelvedgeError as `buildRuntime`, `installTrust`, and what the coordinator answers
 */
export async function offerImage(
  terminal: Terminal,
  { operatorFile, model, bodyPath }: ImageOffer,
): Promise<OfferedImage> {
  const build = await buildInstalledRuntime(terminal, { systemRoot: "/", strip: true });
  const file = await withOperator(terminal, { operator: operatorFile }, async (session) => {
    await putRuntime(build, runtimeRepository(session), "latest");
    await session.images.setImageAccess({ model, public: true }, session.call);
    return session.file;
  });
  const { host } = new URL(file.url);
  // Not the folders of all users, even where root runs it: Podman looks into root's own as well.
  const folders = trustFolders({ ...terminal, isRoot: false });
  const remove = await lendTrust(folders, host, { "ca.crt": { text: file.ca } });
  return {
    lines: [
      `podman pull ${host}/${model}:latest`,
      `podman run -d --name edge-ai-inference -p 8080:8080 ${host}/${model}:latest`,
      // The server takes a second or two to load its model.
      `curl -s --retry 9 --retry-all-errors localhost:8080/v2/models/${model}/infer -d @${bodyPath}`,
    ],
    remove,
  };
}
