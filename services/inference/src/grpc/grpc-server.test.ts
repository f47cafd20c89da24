import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { GRPCInferenceService } from "../gen/inference/grpc_service_pb.js";
import type { InferenceServer, InferenceServerOptions } from "../inference-server.ts";
import { FolderRepository } from "../models/folder-repository.ts";
import { get, identityModel, smallMlp, testFolder, testServer, writeVersion } from "../models.fixture.ts";

type Rpc = Client<typeof GRPCInferenceService>;

const row = { name: "input", datatype: "FP32", shape: [1n, 4n] };
const typed = { modelName: "digits", inputs: [{ ...row, contents: { fp32Contents: [1, 2, 3, 4] } }] };
const raw = {
  modelName: "digits",
  inputs: [row],
  rawInputContents: [new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)],
};

test("[SV16] the protocol's calls answer as over HTTP", async (t) => {
  const { server, rpc } = await start(t);
  assert.deepEqual([(await rpc.serverLive({})).live, (await rpc.serverReady({})).ready], [true, false]);
  assert.equal((await rpc.modelReady({ name: "digits" })).ready, false);
  const model = await writeVersion(await testFolder(t), "7", smallMlp(1));
  await server.deploy(model);
  assert.equal((await rpc.serverReady({})).ready, true);
  assert.equal((await rpc.modelReady({ name: "digits", version: "7" })).ready, true);
  assert.equal((await rpc.serverMetadata({})).name, "selvedge");
  const metadata = await rpc.modelMetadata({ name: "digits" });
  assert.deepEqual([metadata.versions, metadata.platform], [["7"], "onnx_onnxv1"]);
  assert.deepEqual(
    metadata.inputs.map(({ datatype, shape }) => [datatype, shape]),
    [["FP32", [-1n, 4n]]],
  );

  const headers: string[] = [];
  const answer = await rpc.modelInfer(
    { ...raw, id: "42" },
    {
      onHeader: (all) => headers.push(String(all.get("x-model-version")), String(all.get("x-model-digest"))),
    },
  );
  assert.deepEqual(headers, ["7", model.digest]);
  assert.deepEqual([answer.modelName, answer.modelVersion, answer.id], ["digits", "7", "42"]);
  assert.equal(answer.parameters.model_digest?.parameterChoice.value, model.digest);
  const [output] = answer.outputs;
  assert.deepEqual([output?.name, output?.datatype, output?.shape], ["logits", "FP32", [1n, 3n]]);
  const again = await rpc.modelInfer(typed);
  const scores = new Float32Array(Uint8Array.from(answer.rawOutputContents[0] ?? []).buffer);
  assert.deepEqual(again.outputs[0]?.contents?.fp32Contents, [...scores]);

  const { config } = await rpc.modelConfig({ name: "digits" });
  assert.deepEqual(
    [config?.maxBatchSize, config?.input[0]?.dims, config?.input[0]?.dataType],
    [64, [4n], 11],
  );
  const { modelStats } = await rpc.modelStatistics({ name: "digits" });
  assert.deepEqual([modelStats[0]?.inferenceCount, modelStats[0]?.inferenceStats?.success?.count], [2n, 2n]);
  assert.match(
    (await get(`${server.url}/metrics`)).body,
    /requests_total\{model="digits",version="7",code="200"\} 2/,
  );
});

test("[SV16] strings and half floats go through, and what does not fit is told by field", async (t) => {
  const { server, rpc } = await start(t);
  const folder = await testFolder(t);
  await server.deploy(await writeVersion(folder, "1", identityModel(8)));
  const text = { name: "input", datatype: "BYTES", shape: [1n, 2n] };
  const bytesContents = [Buffer.from("a"), Buffer.from("é")];
  const strings = await rpc.modelInfer({
    modelName: "digits",
    inputs: [{ ...text, contents: { bytesContents } }],
  });
  assert.deepEqual(strings.outputs[0]?.contents?.bytesContents.map(String), ["97", "195,169"]);
  await server.deploy(await writeVersion(folder, "2", identityModel(10)));
  const half = { name: "input", datatype: "FP16", shape: [1n, 2n] };
  const bits = Uint8Array.of(0, 0x3c, 0, 0x40);
  const halves = await rpc.modelInfer({ modelName: "digits", inputs: [half], rawInputContents: [bits] });
  assert.deepEqual([...(halves.rawOutputContents[0] ?? [])], [...bits]);
  await server.deploy(await writeVersion(folder, "3", identityModel(3)));
  const int8 = { name: "input", datatype: "INT8", shape: [1n, 2n] };
  const refusals: readonly [Parameters<Rpc["modelInfer"]>[0], Code, RegExp][] = [
    [{ modelName: "letters" }, Code.NotFound, /no model "letters"/],
    [{ modelName: "digits", modelVersion: "1" }, Code.NotFound, /no version "1"/],
    [{ modelName: "digits" }, Code.InvalidArgument, /inputs lacks "input"/],
    [
      { modelName: "digits", inputs: [int8, int8], rawInputContents: [bits] },
      Code.InvalidArgument,
      /1 entries for 2/,
    ],
    [
      { modelName: "digits", inputs: [int8], rawInputContents: [bits] },
      Code.InvalidArgument,
      /has 4 bytes, 2 elements/,
    ],
    [
      { modelName: "digits", inputs: [{ ...int8, contents: { intContents: [1, 128] } }] },
      Code.InvalidArgument,
      /has 128 at element 1, INT8 is/,
    ],
    [
      { modelName: "digits", inputs: [{ ...int8, contents: { intContents: [1] } }] },
      Code.InvalidArgument,
      /contents has 1 elements of INT8, shape \[1,2\] needs 2/,
    ],
    [{ modelName: "digits", inputs: [half] }, Code.InvalidArgument, /datatype is "FP16"/],
    [{ modelName: "digits", id: "i".repeat(1_025) }, Code.InvalidArgument, /id has 1025 characters/],
  ];
  for (const [request, code, message] of refusals) await refused(rpc.modelInfer(request), code, message);
});

test("[SV12] [SV13] [SV16] tokens are asked for as over HTTP, also to load and unload", async (t) => {
  const folder = await testFolder(t);
  await mkdir(join(folder, "digits", "3"), { recursive: true });
  await writeFile(join(folder, "digits", "3", "model.onnx"), smallMlp(3));
  const repository = new FolderRepository(folder);
  const { rpc } = await start(t, { token: "secret", adminToken: "root", repository });
  assert.equal((await rpc.serverLive({})).live, true);
  await refused(rpc.serverMetadata({}), Code.Unauthenticated, /this takes a token/);
  const caller = { headers: { authorization: "Bearer secret" } };
  const admin = { headers: { authorization: "Bearer root" } };
  await refused(
    rpc.repositoryModelLoad({ modelName: "digits" }, caller),
    Code.Unauthenticated,
    /admin token/,
  );
  await rpc.repositoryModelLoad({ modelName: "digits" }, admin);
  const { models } = await rpc.repositoryIndex({}, caller);
  assert.deepEqual(
    models.map(({ name, version, state }) => [name, version, state]),
    [["digits", "3", "READY"]],
  );
  await rpc.repositoryModelUnload({ modelName: "digits" }, admin);
  assert.equal((await rpc.serverReady({})).ready, false);
});

test("[SV15] [SV16] a call's deadline and its parameter end its wait; close answers what was accepted", async (t) => {
  const { server, rpc } = await start(t);
  await server.deploy(await writeVersion(await testFolder(t), "7", smallMlp(1)));
  const [{ pid } = { pid: undefined }] = server.models();
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGSTOP");
  try {
    await refused(rpc.modelInfer(typed, { timeoutMs: 50 }), Code.DeadlineExceeded, /./);
    const timeout = { parameterChoice: { case: "int64Param", value: 500n } } as const;
    await refused(
      rpc.modelInfer({ ...typed, parameters: { timeout } }),
      Code.DeadlineExceeded,
      /within the 0.5 ms/,
    );
    const accepted = rpc.modelInfer(typed);
    while (!(await get(`${server.url}/metrics`)).body.includes('pending_requests{model="digits"} 2\n'));
    const closed = server.close();
    process.kill(pid, "SIGCONT");
    assert.equal((await accepted).modelVersion, "7");
    await closed;
  } finally {
    for (const model of server.models()) if (model.pid !== undefined) process.kill(model.pid, "SIGCONT");
  }
});

async function start(
  t: TestContext,
  options: Partial<InferenceServerOptions> = {},
): Promise<{ readonly server: InferenceServer; readonly rpc: Rpc }> {
  const server = await testServer(t, { grpcPort: 0, ...options });
  const baseUrl = `http://${server.grpcAddress}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  t.after(() => sessionManager.abort());
  return {
    server,
    rpc: createClient(GRPCInferenceService, createGrpcTransport({ baseUrl, sessionManager })),
  };
}

async function refused(call: Promise<unknown>, code: Code, message: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}
