import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ConnectRequestSchema,
  type ConnectResponse,
  limits,
  SelvedgeError,
  SessionService,
} from "@selvedge/protocol";
import type { Dialer, Link } from "@selvedge/transport";
import { fromConnectError } from "./connect-errors.ts";
import { createGatewayClient, currentTls, type GatewayClient, type TlsSource } from "./gateway-client.ts";
import { defaultGrpcLinkOptions, GrpcLink } from "./grpc-link.ts";

export interface GrpcDialerOptions {
  /** "https://host:port" of the coordinator. */
  readonly url: string;
  readonly tls: TlsSource;
  /** How long a dial may take, milliseconds; default 30 s. */
  readonly dialTimeoutMs?: number;
  readonly pingEveryMs?: number;
  readonly pingTimeoutMs?: number;
  /** Bytes that may wait for a slow coordinator before the link closes; default 8 MiB. */
  readonly queueBytesMax?: number;
  /** How long a closed link may still write, milliseconds; default 1 s. */
  readonly drainMs?: number;
}

/** Device side of gRPC links; each dial is a connection of its own. */
export function createGrpcDialer(options: GrpcDialerOptions): Dialer {
  return { dial: (signal) => dial(options, signal) };
}

async function dial(options: GrpcDialerOptions, signal: AbortSignal): Promise<Link> {
  const timeoutMs = options.dialTimeoutMs ?? 30_000;
  const dialling = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const client = createGatewayClient({
    ...options,
    tls: currentTls(options.tls),
    readMaxBytes: limits.envelopeBytesMax + 16,
  });
  const stream = new AbortController();
  const giveUp = (): void => stream.abort(dialling.reason);
  dialling.addEventListener("abort", giveUp, { once: true });
  try {
    dialling.throwIfAborted();
    return await openLink(options, client, stream.signal);
  } catch (thrown) {
    client.close();
    if (signal.aborted) throw new SelvedgeError("cancelled", "the dial was stopped", { at: options.url });
    if (dialling.aborted) throw noAnswer(options.url, timeoutMs, thrown);
    throw fromConnectError(thrown, options.url);
  } finally {
    dialling.removeEventListener("abort", giveUp);
  }
}

async function openLink(
  options: GrpcDialerOptions,
  client: GatewayClient,
  signal: AbortSignal,
): Promise<Link> {
  let drain: NodeJS.Timeout | undefined;
  const link = new GrpcLink({
    ...defaultGrpcLinkOptions,
    ...(options.queueBytesMax === undefined ? {} : { queueBytesMax: options.queueBytesMax }),
    onClosed() {
      drain = setTimeout(() => client.close(), options.drainMs ?? 1_000);
    },
  });
  const connect = SessionService.method.connect;
  const requests = requestsOf(link);
  const response = await client.transport.stream(connect, signal, undefined, undefined, requests);
  const messages = response.message[Symbol.asyncIterator]();
  // The listener's first message is empty and says that the stream is open.
  const opened = await messages.next();
  if (opened.done === true || opened.value.envelope.byteLength > 0) {
    throw new SelvedgeError("unavailable", "the server did not open the session", { at: options.url });
  }
  void receive(link, messages, options.url).finally(() => {
    clearTimeout(drain);
    client.close();
  });
  return link;
}

function receive(link: GrpcLink, messages: AsyncIterator<ConnectResponse>, url: string): Promise<void> {
  return link.receive(envelopesOf(messages), (thrown) => fromConnectError(thrown, url));
}

async function* requestsOf(link: GrpcLink): AsyncGenerator<MessageInitShape<typeof ConnectRequestSchema>> {
  for await (const envelope of link.outgoing()) yield { envelope };
}

async function* envelopesOf(messages: AsyncIterator<ConnectResponse>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const result = await messages.next();
    if (result.done === true) return;
    yield result.value.envelope;
  }
}

function noAnswer(url: string, timeoutMs: number, cause: unknown): SelvedgeError {
  return new SelvedgeError("unavailable", `no answer within ${timeoutMs / 1_000} s`, {
    at: url,
    fix: "check the address and the network",
    cause,
  });
}
