// What an image of a model runs: serves `/models`, to whoever reaches the container, until it is told to stop.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { describeError, SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import type { InferenceLog } from "./deployed-model.ts";
import { type ServeOptions, serve } from "./serve.ts";
import { readStreamFlags } from "./stream/stream-settings.ts";

try {
  const { values } = parseArgs({
    options: {
      models: { type: "string", default: "/models" },
      host: { type: "string", default: "0.0.0.0" },
      port: { type: "string", default: "8080" },
      "grpc-port": { type: "string", default: "8081" },
      "token-file": { type: "string" },
      "admin-token-file": { type: "string" },
      "tls-cert": { type: "string" },
      "tls-key": { type: "string" },
      "stream-in": { type: "string" },
      "stream-out": { type: "string" },
      "mqtt-url": { type: "string" },
      stream: { type: "string" },
    },
  });
  const log = jsonLog();
  const server = await serve(values.models, {
    host: values.host,
    port: portOf(values.port),
    grpcPort: portOf(values["grpc-port"]),
    log,
    streams: await readStreamFlags(
      {
        stream: values.stream,
        streamIn: values["stream-in"],
        streamOut: values["stream-out"],
        mqttUrl: values["mqtt-url"],
      },
      process.cwd(),
    ),
    ...(await secretsOf(values)),
  });
  const models = server.models().map(({ name, version, digest }) => ({ name, version, digest }));
  log.info({ url: server.url, grpc: server.grpcAddress, models }, "serving");
  // As process 1 of a container it gets no signal that it does not ask for.
  await Promise.race(
    ["SIGTERM", "SIGINT"].map((signal) => new Promise((resolve) => process.once(signal, resolve))),
  );
  await server.close();
  log.info({}, "stopped");
} catch (thrown) {
  console.error(describeError(SelvedgeError.from(thrown, "invalid_argument")));
  process.exitCode = 1;
}

interface SecretFiles {
  readonly "token-file"?: string | undefined;
  readonly "admin-token-file"?: string | undefined;
  readonly "tls-cert"?: string | undefined;
  readonly "tls-key"?: string | undefined;
}

/** @throws SelvedgeError as `fileError`; `invalid_argument` for one of the two that TLS takes. */
async function secretsOf(files: SecretFiles): Promise<Pick<ServeOptions, "token" | "adminToken" | "tls">> {
  const [token, adminToken] = await Promise.all([
    readIf(files["token-file"]),
    readIf(files["admin-token-file"]),
  ]);
  const [cert, key] = await Promise.all([readIf(files["tls-cert"]), readIf(files["tls-key"])]);
  if ((cert === undefined) !== (key === undefined)) {
    throw new SelvedgeError("invalid_argument", "TLS takes a certificate and its key", {
      fix: "give both --tls-cert and --tls-key",
    });
  }
  return {
    ...(token !== undefined && { token: token.trim() }),
    ...(adminToken !== undefined && { adminToken: adminToken.trim() }),
    ...(cert !== undefined && key !== undefined && { tls: { cert, key } }),
  };
}

async function readIf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return await readFile(path, "utf8").catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
}

/** @throws SelvedgeError `invalid_argument`. */
function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new SelvedgeError("invalid_argument", `not a port: "${text}"`, { fix: "give 0 to 65535" });
}

/** The form of all our logs (pino's): level 30 for information, 40 for a warning, time in Unix milliseconds. */
function jsonLog(): InferenceLog {
  const write = (level: number, fields: object, msg: string): void =>
    console.error(JSON.stringify({ level, time: Date.now(), ...fields, msg }));
  return {
    info: (fields, message) => write(30, fields, message),
    warn: (fields, message) => write(40, fields, message),
  };
}
