import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { GRPCInferenceService } from "../gen/inference/grpc_service_pb.js";
import type { InferenceServer, InferenceServerOptions } from "../inference-server.ts";
import { signalModels, smallMlp, testFolder, testServer, writeVersion } from "../models.fixture.ts";

test("[SV19] health is told when asked, and to who watches whenever it changes", async (t) => {
  const { server, transport } = await start(t, { token: "secret", restartDelaysMs: [0] });
  const health = createClient(Health, transport);
  assert.equal((await health.check({})).status, Status.NOT_SERVING);
  await assert.rejects(health.check({ service: "letters" }), { code: Code.NotFound });
  const watched = health.watch({ service: GRPCInferenceService.typeName })[Symbol.asyncIterator]();
  const next = async (): Promise<Status | undefined> => (await watched.next()).value?.status;
  assert.equal(await next(), Status.NOT_SERVING);
  await server.deploy(await writeVersion(await testFolder(t), "1", smallMlp(1)));
  assert.equal(await next(), Status.SERVING);
  assert.equal((await health.check({})).status, Status.SERVING);
  const { statuses } = await health.list({});
  assert.deepEqual(Object.keys(statuses).sort(), ["", GRPCInferenceService.typeName]);
  signalModels(server, "SIGKILL");
  assert.deepEqual([await next(), await next()], [Status.NOT_SERVING, Status.SERVING]);

  const stranger = health.watch({ service: "letters" })[Symbol.asyncIterator]();
  assert.equal((await stranger.next()).value?.status, Status.SERVICE_UNKNOWN);
  const closed = server.close();
  assert.equal(await next(), Status.NOT_SERVING);
  await assert.rejects(watched.next(), { code: Code.Unavailable });
  await assert.rejects(stranger.next(), { code: Code.Unavailable });
  await closed;
});

test("[SV19] a watch that its caller ends holds nothing", async (t) => {
  const { server, transport } = await start(t);
  const leaving = new AbortController();
  const watched = createClient(Health, transport)
    .watch({}, { signal: leaving.signal })
    [Symbol.asyncIterator]();
  assert.equal((await watched.next()).value?.status, Status.NOT_SERVING);
  leaving.abort();
  await assert.rejects(watched.next(), { code: Code.Canceled });
  await server.close();
});

for (const [name, service] of Object.entries({ v1: ServerReflection, v1alpha: ServerReflectionAlpha })) {
  test(`[SV19] reflection ${name} tells the services, and the file of any name`, async (t) => {
    const { transport } = await start(t);
    const { serverReflectionInfo } = createClient(service as typeof ServerReflection, transport);
    const asked = [
      { case: "listServices", value: "" },
      { case: "fileContainingSymbol", value: "inference.GRPCInferenceService.ModelInfer" },
      { case: "fileContainingSymbol", value: "inference.ModelInferRequest.InferInputTensor" },
      { case: "fileByFilename", value: "grpc/health/v1/health.proto" },
      { case: "fileContainingSymbol", value: "inference.GRPCInferenceService.Nothing" },
      { case: "fileContainingExtension", value: { containingType: "inference.X", extensionNumber: 1 } },
      { case: "allExtensionNumbersOfType", value: "inference.X" },
      { case: undefined },
    ] as const;
    async function* requests() {
      for (const messageRequest of asked) yield { messageRequest };
    }
    const heard: unknown[] = [];
    for await (const { messageResponse: answer } of serverReflectionInfo(requests())) {
      if (answer.case === "listServicesResponse") heard.push(answer.value.service.map((each) => each.name));
      else if (answer.case === "errorResponse") heard.push(answer.value.errorCode);
      else if (answer.case === "fileDescriptorResponse") {
        heard.push(
          answer.value.fileDescriptorProto.map((each) => fromBinary(FileDescriptorProtoSchema, each).name),
        );
      }
    }
    const inference = ["inference/grpc_service.proto"];
    const services = ["reflection.v1.ServerReflection", "reflection.v1alpha.ServerReflection"];
    assert.deepEqual(heard, [
      ["inference.GRPCInferenceService", "grpc.health.v1.Health", ...services.map((each) => `grpc.${each}`)],
      inference,
      inference,
      ["grpc/health/v1/health.proto"],
      5,
      5,
      5,
      3,
    ]);
  });
}

async function start(
  t: TestContext,
  options: Partial<InferenceServerOptions> = {},
): Promise<{ readonly server: InferenceServer; readonly transport: ReturnType<typeof createGrpcTransport> }> {
  const server = await testServer(t, { grpcPort: 0, ...options });
  const baseUrl = `http://${server.grpcAddress}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  t.after(() => sessionManager.abort());
  return { server, transport: createGrpcTransport({ baseUrl, sessionManager }) };
}
