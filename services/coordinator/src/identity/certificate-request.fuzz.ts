import type { FuzzTarget } from "@selvedge/testkit";
import { readCertificateRequest } from "./certificate-request.ts";
import { newDeviceKey, requestCertificate } from "./fleet.fixture.ts";

export const target: FuzzTarget = {
  name: "certificate-request",
  examples: async () => [await requestCertificate(newDeviceKey()), await requestCertificate(newDeviceKey())],
  decode: readCertificateRequest,
};
