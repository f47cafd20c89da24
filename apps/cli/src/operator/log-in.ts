import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { access, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { fetchPinnedRoot, parseCoordinatorUrl } from "@selvedge/agent";
import {
  type Operator,
  OperatorService,
  parseOperatorToken,
  rawPublicKey,
  SelvedgeError,
} from "@selvedge/protocol";
import { fileError, writeFileDurably } from "@selvedge/storage";
import { createGatewayClient, fromConnectError } from "@selvedge/transport-grpc";
import { readOperatorKey } from "./operator-file.ts";

export interface LogInOptions {
  /** `https://host:port` of the coordinator. */
  readonly url: string;
  /** Text of an operator token. */
  readonly token: string;
  /** The file to write; keys are made beside it. */
  readonly path: string;
  /** Absolute path of the key that signs releases. */
  readonly releaseKeyPath: string | undefined;
  readonly signal: AbortSignal;
}

export interface Login {
  readonly operator: Operator;
  readonly trustDomain: string;
  readonly url: string;
}

/**
 * Makes this user an operator of a fleet: finds the root certificate that the
 * token pins, shows the token to who has it and to nobody else, and registers a
 * key that signs plans for who may run jobs. An earlier login is replaced; its
 * key is kept, and used again at the same fleet.
 *
 * @throws SelvedgeError `invalid_argument`, `untrusted`, `unauthenticated`, `unavailable`, and those of the file system.
 */
export async function logIn(options: LogInOptions): Promise<Login> {
  const { path, releaseKeyPath, signal } = options;
  const address = parseCoordinatorUrl(options.url);
  const { rootPin } = parseOperatorToken(options.token);
  const ca = await fetchRoot(address, rootPin, signal);
  const headers = { authorization: `Bearer ${options.token.trim()}` };
  const gateway = createGatewayClient({ url: address.url, tls: { ca }, headers });
  try {
    const client = createClient(OperatorService, gateway.transport);
    const call = { signal, timeoutMs };
    const { operator, trustDomain } = await client.whoAmI({}, call);
    if (operator === undefined)
      throw new SelvedgeError("internal", "the coordinator does not say who this is");
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const keyName = `plans-${Buffer.from(rootPin).toString("hex").slice(0, 16)}.key`;
    const signs = operator.role === "operator" || operator.role === "admin";
    if (signs) {
      const key = await openPlanKey(join(dirname(path), keyName));
      operator.planKeyId = (await client.registerPlanKey({ publicKey: rawPublicKey(key) }, call)).keyId;
    }
    const file = {
      url: address.url,
      ca,
      token: options.token.trim(),
      ...(signs && { operatorKey: keyName }),
      ...(releaseKeyPath !== undefined && { releaseKey: releaseKeyPath }),
    };
    await writeFileDurably(path, `${JSON.stringify(file, null, 2)}\n`, 0o600);
    return { operator, trustDomain, url: address.url };
  } finally {
    gateway.close();
  }
}

async function fetchRoot(
  address: ReturnType<typeof parseCoordinatorUrl>,
  pin: Uint8Array,
  signal: AbortSignal,
): Promise<string> {
  try {
    return (await fetchPinnedRoot(address, pin, signal)).toString();
  } catch (thrown) {
    throw fromConnectError(thrown, address.url);
  }
}

/** @returns the public half of the key in this file, which is made when absent. */
async function openPlanKey(path: string): Promise<KeyObject> {
  try {
    await access(path);
  } catch (thrown) {
    const error = fileError(thrown, path);
    if (SelvedgeError.from(error).code !== "not_found") throw error;
    const { privateKey } = generateKeyPairSync("ed25519");
    await writeFileDurably(path, privateKey.export({ type: "pkcs8", format: "pem" }).toString(), 0o600);
  }
  return createPublicKey(await readOperatorKey(path));
}

const timeoutMs = 60_000;
