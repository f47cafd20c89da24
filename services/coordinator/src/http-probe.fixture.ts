import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { connect } from "node:http2";
import { request } from "node:https";
import type { ConnectionOptions } from "node:tls";
import type { ClientTls } from "@selvedge/transport-grpc";

/** One plain request with any header at all, as somebody who means no good would send it. */
export interface HttpProbe {
  readonly url: string;
  readonly ca: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly tls?: ClientTls;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** HTTP/2, where `host` goes into `:authority`; HTTP/1.1 otherwise. */
  readonly http2?: boolean;
}

export interface ProbeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export function probeHttp(probe: HttpProbe): Promise<ProbeAnswer> {
  return probe.http2 === true ? probeHttp2(probe) : probeHttp1(probe);
}

async function probeHttp1(probe: HttpProbe): Promise<ProbeAnswer> {
  const { url, path, method, body } = probe;
  const outgoing = request(new URL(path, url), {
    ...tlsOf(probe),
    method,
    headers: headersOf(probe),
    agent: false,
  });
  outgoing.end(body);
  const [response] = await once(outgoing, "response");
  return { status: response.statusCode, headers: response.headers, body: await textOf(response) };
}

async function probeHttp2(probe: HttpProbe): Promise<ProbeAnswer> {
  const session = connect(probe.url, tlsOf(probe));
  try {
    const { host, ...others } = headersOf(probe);
    const stream = session.request({
      ...others,
      ":method": probe.method,
      ":path": probe.path,
      ...(host !== undefined && { ":authority": host }),
    });
    stream.end(probe.body);
    const [headers] = await once(stream, "response");
    return { status: headers[":status"], headers, body: await textOf(stream) };
  } finally {
    session.close();
  }
}

function tlsOf({ ca, tls }: HttpProbe): ConnectionOptions {
  // Otherwise it would be taken from the Host header.
  return {
    ca,
    servername: "localhost",
    ...(tls?.cert && { cert: tls.cert }),
    ...(tls?.key && { key: tls.key }),
  };
}

function headersOf({ token, headers, contentType }: HttpProbe): Record<string, string> {
  return {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(contentType !== undefined && { "content-type": contentType }),
    ...headers,
  };
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
