import { after, before } from "node:test";
import { createGrpcDialer } from "@selvedge/transport-grpc";
import { type SessionImplementation, startTestGateway, type TestGateway } from "../fixtures/test-gateway.ts";
import { envelope, type LinkPair, registerLinkContract } from "./link-contract.ts";

let fixture: TestGateway;
/** Bytes that take the place of the next message towards one end. */
const replacements = new Map<"device" | "coordinator", Uint8Array>();

before(async () => {
  fixture = await startTestGateway({}, withReplacements);
});
after(() => fixture.gateway.close());

registerLinkContract("gRPC", async (): Promise<LinkPair> => {
  const accepted = fixture.nextLink();
  const device = await createGrpcDialer(fixture).dial(new AbortController().signal);
  const coordinator = await accepted;
  return {
    device,
    coordinator,
    inject(to, bytes) {
      replacements.set(to, bytes);
      (to === "device" ? coordinator : device).send(envelope(1));
    },
    async dispose() {
      device.close("disposed");
      coordinator.close("disposed");
    },
  };
});

function withReplacements(service: SessionImplementation): SessionImplementation {
  return {
    async *connect(requests, context) {
      for await (const response of service.connect(replaceNext(requests, "coordinator"), context)) {
        const bytes = replacements.get("device");
        replacements.delete("device");
        yield bytes === undefined ? response : { envelope: bytes };
      }
    },
  };
}

async function* replaceNext<T extends { envelope: Uint8Array }>(
  messages: AsyncIterable<T>,
  towards: "device" | "coordinator",
): AsyncIterable<T> {
  for await (const message of messages) {
    const bytes = replacements.get(towards);
    replacements.delete(towards);
    yield bytes === undefined ? message : { ...message, envelope: bytes };
  }
}
