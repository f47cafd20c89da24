import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type ConnectResponseSchema, limits, type SessionService } from "@selvedge/protocol";
import type { Link, Peer } from "@selvedge/transport";
import { fromConnectError } from "./connect-errors.ts";
import { defaultGrpcLinkOptions, GrpcLink } from "./grpc-link.ts";
import { abortStream } from "./rpc-context.ts";

export interface SessionServiceOptions<Principal> {
  principalOf(context: HandlerContext): Principal;
  /** Throws when this principal may not hold a link. */
  peerOf(principal: Principal): Peer;
  /** Called with each link once its stream is open. */
  onLink(link: Link, peer: Peer): void;
  /** Bytes that may wait for a slow device before its link closes; default 8 MiB. */
  readonly queueBytesMax?: number;
  /** How long a closed link may still write, milliseconds; default 1 s. */
  readonly drainMs?: number;
}

/** For `router.service(SessionService, …, sessionServiceLimits)`. */
export const sessionServiceLimits: { readonly readMaxBytes: number } = {
  // The envelope, and the field that holds it.
  readMaxBytes: limits.envelopeBytesMax + 16,
};

/** Listener side of gRPC links: one call of `Connect` is one link. */
export function sessionService<Principal>(
  options: SessionServiceOptions<Principal>,
): ServiceImpl<typeof SessionService> {
  return {
    async *connect(requests, context): AsyncGenerator<MessageInitShape<typeof ConnectResponseSchema>> {
      const peer = options.peerOf(options.principalOf(context));
      let cut: NodeJS.Timeout | undefined;
      const link = new GrpcLink({
        ...defaultGrpcLinkOptions,
        ...(options.queueBytesMax === undefined ? {} : { queueBytesMax: options.queueBytesMax }),
        onClosed() {
          // A peer that reads nothing would hold the stream, and us, for ever.
          cut = setTimeout(() => abortStream(context), options.drainMs ?? 1_000);
          cut.unref();
        },
      });
      const gone = (): void => link.fail(fromConnectError(context.signal.reason, "session"));
      context.signal.addEventListener("abort", gone, { once: true });
      try {
        // Says that the stream is open: without it, no response header is sent.
        yield {};
        void link.receive(envelopesOf(requests), (thrown) => fromConnectError(thrown, "session"));
        options.onLink(link, peer);
        for await (const envelope of link.outgoing()) yield { envelope };
        if (link.error !== undefined) throw link.error;
      } finally {
        link.close("the stream ended");
        clearTimeout(cut);
        context.signal.removeEventListener("abort", gone);
      }
    },
  };
}

async function* envelopesOf(
  messages: AsyncIterable<{ readonly envelope: Uint8Array }>,
): AsyncGenerator<Uint8Array> {
  for await (const { envelope } of messages) yield envelope;
}
