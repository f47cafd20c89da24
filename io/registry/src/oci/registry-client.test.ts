import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { digestOf } from "@selvedge/protocol";
import { RegistryClient } from "./registry-client.ts";

const challenges = {
  "no address": 'Bearer service="x"',
  "half an address": 'Bearer realm="https://[",service="x"',
  "an address of no registry": 'Bearer realm="file:///etc/passwd",service="x"',
};

for (const [what, challenge] of Object.entries(challenges)) {
  test(`a registry that sends for a token to ${what} is named, and what it asked for`, async (t) => {
    const { client, host } = await registryThat(t, (_request, response) => {
      response.writeHead(401, { "www-authenticate": challenge }).end();
    });
    await assert.rejects(client.manifest("x", "latest"), { code: "unsupported", at: host, fix: /proxy/ });
  });
}

for (const token of ["<html>", "{}", "[]", "null", '{"token":7}']) {
  test(`a registry whose token is ${token} is named`, async (t) => {
    const { client, host } = await registryThat(t, ({ headers, url = "" }, response) => {
      if (url.startsWith("/token")) response.end(token);
      else
        response.writeHead(401, { "www-authenticate": `Bearer realm="http://${headers.host}/token"` }).end();
    });
    await assert.rejects(client.manifest("x", "latest"), { code: "unsupported", at: host, fix: /proxy/ });
  });
}

for (const location of [undefined, "https://["]) {
  test(`a registry that takes an upload at ${location} is named`, async (t) => {
    const { client, host } = await registryThat(t, ({ method }, response) => {
      const headers = location === undefined ? {} : { location };
      response.writeHead(method === "POST" ? 202 : 404, headers).end();
    });
    const bytes = Buffer.from("a layer");
    async function* stream() {
      yield bytes;
    }
    await assert.rejects(client.pushBlob("x", { digest: digestOf(bytes), length: bytes.length, stream }), {
      code: "unsupported",
      at: host,
      fix: /proxy/,
    });
  });
}

interface AnsweredClient {
  readonly client: RegistryClient;
  readonly host: string;
}

async function registryThat(t: TestContext, answer: RequestListener): Promise<AnsweredClient> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { client: new RegistryClient({ url: new URL(`http://${host}`), password: "secret" }), host };
}
