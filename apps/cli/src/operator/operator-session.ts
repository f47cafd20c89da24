import { type CallOptions, type Client, createClient } from "@connectrpc/connect";
import {
  AdmissionService,
  BackupService,
  IdentityService,
  ImageService,
  OperatorService,
} from "@selvedge/protocol";
import { RegistryClient } from "@selvedge/registry";
import type { BlobChannel } from "@selvedge/transport";
import { createGatewayClient, createHttpBlobChannel } from "@selvedge/transport-grpc";
import { shellWord } from "../output/shell-word.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";
import { type OperatorFile, operatorFilePath, readOperatorFile } from "./operator-file.ts";

/** An operator's connection to the coordinator; opened on first use. */
export interface OperatorSession {
  readonly file: OperatorFile;
  /** Rejects with SelvedgeErrors. */
  readonly client: Client<typeof OperatorService>;
  /** Tokens, and who of the devices may take part. */
  readonly admission: Client<typeof AdmissionService>;
  readonly backup: Client<typeof BackupService>;
  /** The fleet's own keys. */
  readonly identity: Client<typeof IdentityService>;
  readonly blobs: BlobChannel;
  readonly images: Client<typeof ImageService>;
  readonly registry: RegistryClient;
  /** For each call that gives one answer: when to stop waiting for it. */
  readonly call: CallOptions;
  /** A line that says what to type next, at the same coordinator. */
  next(command: string): string;
}

/**
 * Runs `work` as the operator that the options name, and closes the connection after it.
 *
 * @throws SelvedgeError as `readOperatorFile` and `work`.
 */
export async function withOperator<Result>(
  terminal: Terminal,
  options: OperatorOptions,
  work: (session: OperatorSession) => Promise<Result>,
): Promise<Result> {
  const file = await readOperatorFile(operatorFilePath(terminal, options));
  const { url, ca, token } = file;
  const dial = { url, tls: { ca }, headers: { authorization: `Bearer ${token}` } };
  const gateway = createGatewayClient(dial);
  const blobs = createHttpBlobChannel(dial);
  try {
    return await work({
      file,
      client: createClient(OperatorService, gateway.transport),
      admission: createClient(AdmissionService, gateway.transport),
      backup: createClient(BackupService, gateway.transport),
      identity: createClient(IdentityService, gateway.transport),
      blobs,
      images: createClient(ImageService, gateway.transport),
      registry: new RegistryClient({
        url: new URL(url),
        ca,
        user: "selvedge",
        password: token,
        signal: terminal.interrupted,
      }),
      call: { signal: terminal.interrupted, timeoutMs },
      next: (command) => `next: ${terminal.command} ${command}${given(options)}\n`,
    });
  } finally {
    blobs.close();
    gateway.close();
  }
}

function given({ state, operator }: OperatorOptions): string {
  const stated = state === undefined ? "" : ` --state ${shellWord(state)}`;
  return operator === undefined ? stated : `${stated} --operator ${shellWord(operator)}`;
}

const timeoutMs = 60_000;
