import { createMemoryLink, promptDelivery } from "@selvedge/transport";
import { envelope, type LinkPair, registerLinkContract } from "./link-contract.ts";

registerLinkContract("memory", async (): Promise<LinkPair> => {
  const injected = new Map<string, Uint8Array>();
  const pair = createMemoryLink({
    ...promptDelivery,
    deliver(_envelope, direction, deliverNow) {
      const bytes = injected.get(direction);
      queueMicrotask(() => deliverNow(bytes));
    },
  });
  return {
    device: pair.device,
    coordinator: pair.coordinator,
    inject(to, bytes) {
      injected.set(to === "device" ? "to-device" : "to-coordinator", bytes);
      (to === "device" ? pair.coordinator : pair.device).send(envelope(1));
    },
    dispose: async () => pair.cut("disposed"),
  };
});
