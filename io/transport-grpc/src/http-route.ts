import type { IncomingHttpHeaders } from "node:http";

/** A plain HTTP route beside the RPC services: blobs, registry, dashboard. */
export interface HttpRoute<Principal> {
  /** Name in the table of who may call what, e.g. "blobs.read". */
  readonly route: string;
  readonly methods: readonly string[];
  /** An exact path, or, ending in "/", everything under it. */
  readonly path: string;
  /** Largest request body, bytes; 0 = the route takes none. */
  readonly bodyBytesMax: number;
  /** A SelvedgeError thrown here becomes the matching status and a JSON body. */
  handle(request: HttpRequest<Principal>): Promise<HttpAnswer>;
  /** What is answered in place of that, for protocols with errors of their own. */
  refuse?(thrown: unknown, headers: IncomingHttpHeaders): HttpAnswer;
}

export interface HttpRequest<Principal> {
  readonly principal: Principal;
  readonly method: string;
  /** Percent-decoded nowhere: as it came, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /**
   * The request body; throws `too_large` past the route's limit and
   * `unavailable` when the connection breaks before its end.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the caller went away or lost its permission. */
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}
