import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { digestOf } from "@selvedge/protocol";
import { PNG } from "pngjs";
import type { DeployedModel } from "./deployed-model.ts";
import { GRPCInferenceService } from "./gen/inference/grpc_service_pb.js";
import type { InferenceServer, InferenceServerOptions } from "./inference-server.ts";
import {
  get,
  inferBody,
  inferPath,
  post,
  signalModels,
  smallMlp,
  testFolder,
  testServer,
  until,
} from "./models.fixture.ts";
import { pipelineSchema } from "./pipeline/pipeline.ts";

test("[SV4] twenty swaps fail no request, over HTTP, over gRPC, and of pictures", async (t) => {
  const { server, deploy } = await start(t);
  const load = startLoad(t, server);
  for (let version = 2; version <= 21; version++) {
    await deploy(String(version));
    await load.round();
  }
  const { answered, refused } = await load.stop();
  assert.deepEqual(refused, []);
  for (const [way, versions] of answered)
    assert.ok(versions.size > 10, `${way} met ${versions.size} versions`);
});

test("[SV6] a process killed again and again costs what was asked of it then, and the server goes on", async (t) => {
  // An answer in between makes the count of restarts start again; none need come between two kills.
  const { server } = await start(t, { restartDelaysMs: new Array(20).fill(0) });
  const load = startLoad(t, server);
  for (let kill = 0; kill < 10; kill++) {
    const [{ pid } = { pid: undefined }] = server.models();
    signalModels(server, "SIGKILL");
    await until(async () => server.models()[0]?.pid !== pid);
    assert.equal((await get(`${server.url}/healthz`)).status, 200);
    await until(async () => (await get(`${server.url}/readyz`)).status === 200);
    await load.round();
  }
  const { answered, refused } = await load.stop();
  assert.equal(answered.size, 3);
  // 503 with Retry-After over HTTP, UNAVAILABLE over gRPC, and nothing else.
  assert.deepEqual(
    [...new Set(refused)].toSorted(),
    [...new Set(refused)].filter((each) => expected.has(each)).toSorted(),
  );
  assert.match((await get(`${server.url}/metrics`)).body, /selvedge_inference_restarts_total 10\n/);
});

const expected: ReadonlySet<string> = new Set([
  "infer: 503, retry after 1",
  "classify: 503, retry after 1",
  "grpc: Unavailable",
]);

async function start(t: TestContext, options: Partial<InferenceServerOptions> = {}) {
  const folder = await testFolder(t);
  const pipeline = pipelineSchema.parse({ image: { height: 2, width: 2 } });
  const server = await testServer(t, { grpcPort: 0, ...options });
  const deploy = async (version: string): Promise<void> => {
    const bytes = smallMlp(Number(version));
    const path = join(folder, `${version}.onnx`);
    await writeFile(path, bytes);
    const model: DeployedModel = { name: "digits", version, digest: digestOf(bytes), path, pipeline };
    await server.deploy(model);
  };
  await deploy("1");
  return { server, deploy };
}

/** Callers that ask in every way, each again as soon as it has its answer. */
function startLoad(t: TestContext, server: InferenceServer) {
  const picture = Uint8Array.from(PNG.sync.write(new PNG({ width: 2, height: 2 })));
  const baseUrl = `http://${server.grpcAddress}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  t.after(() => sessionManager.abort());
  const rpc = createClient(GRPCInferenceService, createGrpcTransport({ baseUrl, sessionManager }));
  const ways: Readonly<Record<string, () => Promise<string>>> = {
    infer: () => versionOf(server.url + inferPath, inferBody()),
    classify: () => versionOf(`${server.url}/v2/models/digits/classify`, picture),
    grpc: async () => (await rpc.modelInfer(grpcRequest)).modelVersion,
  };
  const answered = new Map<string, Set<string>>();
  const refused: string[] = [];
  let isOver = false;
  let answers = 0;
  let awaited: { readonly count: number; readonly resolve: () => void } | undefined;
  const onAnswer = (): void => {
    answers++;
    if (awaited !== undefined && answers >= awaited.count) awaited.resolve();
  };
  const callers = Object.entries(ways).flatMap(([way, ask]) =>
    Array.from({ length: 3 }, async () => {
      while (!isOver) {
        try {
          answered.set(way, (answered.get(way) ?? new Set()).add(await ask()));
          onAnswer();
        } catch (thrown) {
          refused.push(
            `${way}: ${thrown instanceof ConnectError ? Code[thrown.code] : (thrown as Error).message}`,
          );
        }
      }
    }),
  );
  return {
    /** Some answers more. */
    round: (): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      awaited = { count: answers + 30, resolve };
      return promise;
    },
    stop: async () => {
      isOver = true;
      await Promise.all(callers);
      return { answered, refused };
    },
  };
}

/** @throws Error that names the status, and what the answer says of when to ask again */
async function versionOf(url: string, body: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const answer = await post(url, body);
  if (answer.status === 200) return answer.body.model_version;
  throw new Error(`${answer.status}, retry after ${answer.headers.get("retry-after")}`);
}

const grpcRequest = {
  modelName: "digits",
  inputs: [{ name: "input", datatype: "FP32", shape: [1n, 4n], contents: { fp32Contents: [1, 2, 3, 4] } }],
};
