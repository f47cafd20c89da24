import { type ContextKey, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { callOf, type ServerRequest } from "./call.ts";

/** The HTTP request an RPC came in. */
export const requestKey: ContextKey<ServerRequest | undefined> = createContextKey<ServerRequest | undefined>(
  undefined,
  { description: "HTTP request of an RPC" },
);

/** Cuts the stream of a call whose caller no longer reads, so that nothing waits for it. */
export function abortStream(context: HandlerContext): void {
  const request = context.values.get(requestKey);
  if (request === undefined) return;
  if ("stream" in request) request.stream.close(cancel);
  else request.destroy();
}

/** Keying material of the TLS connection a call came over (RFC 9266); undefined outside a gateway. */
export function exporterOf(context: HandlerContext): Uint8Array | undefined {
  const request = context.values.get(requestKey);
  return request === undefined ? undefined : callOf(context.method.name, request).exporter();
}

/** Address of the other end of a call; undefined outside a gateway. */
export function remoteAddressOf(context: HandlerContext): string | undefined {
  const request = context.values.get(requestKey);
  return request === undefined ? undefined : callOf(context.method.name, request).remoteAddress;
}

/** Certificate that the other end of a call showed, DER; undefined when it showed none. */
export function certificateOf(context: HandlerContext): Uint8Array | undefined {
  const request = context.values.get(requestKey);
  return request === undefined ? undefined : callOf(context.method.name, request).certificate?.chain[0];
}

/** HTTP/2 error code CANCEL (RFC 9113, 7). */
const cancel = 0x8;
