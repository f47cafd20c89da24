import { join } from "node:path";
import { type DatasetSource, describeDataset } from "@selvedge/datasets";
import { SelvedgeError } from "@selvedge/protocol";
import { readAgentConfig } from "../config/agent-config.ts";
import { readPolicy } from "../config/policy-file.ts";
import { parseCoordinatorUrl } from "../identity/coordinator-address.ts";
import { openDeviceFolder } from "../identity/device-folder.ts";
import { type DeviceIdentity, loadDeviceIdentity } from "../identity/device-identity.ts";
import { examineConnection } from "./examine-connection.ts";
import { examineRoute } from "./examine-route.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface ExaminationOptions {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  now(): number;
}

/** Looks at everything a device needs to take part in its fleet; changes nothing. */
export async function* examineDevice(options: ExaminationOptions): AsyncGenerator<Finding> {
  const { folder } = options;
  const identity = await loaded(folder);
  if ("status" in identity) {
    yield identity;
    return;
  }
  yield ok(
    "identity",
    `device ${identity.deviceId} of ${identity.trustDomain}, at ${identity.coordinatorUrl}`,
  );
  yield certificateFinding(identity, options.now());
  yield* configurationFindings(folder);
  const { chain, key, trust } = identity;
  const address = parseCoordinatorUrl(identity.coordinatorUrl);
  for await (const finding of examineRoute(address, options.env)) {
    yield finding;
    if (finding.status === "failed") return;
  }
  yield* await examineConnection({ address, trust, identity: { chain, key }, now: options.now });
}

async function loaded(folder: string): Promise<DeviceIdentity | Finding> {
  try {
    const identity = await loadDeviceIdentity(await openDeviceFolder(folder));
    return (
      identity ??
      failed(
        "identity",
        `${folder} has not joined a fleet`,
        "join first: selvedge join https://HOST:7443 --token-file FILE",
      )
    );
  } catch (thrown) {
    return findingOf("identity", thrown);
  }
}

function certificateFinding({ expiresAtMs }: DeviceIdentity, now: number): Finding {
  const days = (expiresAtMs - now) / 86_400_000;
  const until = new Date(expiresAtMs).toISOString();
  if (days > 0)
    return ok("expiry", `this device's certificate is good until ${until}, for ${days.toFixed(1)} more days`);
  return warning(
    "expiry",
    `this device's certificate ran out at ${until}, by this machine's clock, which says ${new Date(now).toISOString()}`,
    "check the clock; if it is right, start the agent: it renews by itself, or waits for an operator's approval",
  );
}

async function* configurationFindings(folder: string): AsyncGenerator<Finding> {
  try {
    await readPolicy(join(folder, "policy.yaml"));
    yield ok("policy", "policy.yaml can be read");
  } catch (thrown) {
    yield findingOf("policy", thrown);
  }
  try {
    const { datasets } = await readAgentConfig(folder);
    if (datasets.size === 0) {
      yield warning(
        "data",
        "agent.yaml lists no data, so this device cannot train",
        "list it under datasets",
      );
    }
    for (const [name, source] of datasets) yield await dataFinding(name, source);
  } catch (thrown) {
    yield findingOf("data", thrown);
  }
}

async function dataFinding(name: string, source: DatasetSource): Promise<Finding> {
  try {
    await describeDataset(source);
    return ok("data", `"${name}" can be read`);
  } catch (thrown) {
    return findingOf("data", thrown);
  }
}

function findingOf(check: string, thrown: unknown): Finding {
  const { message, at, fix } = SelvedgeError.from(thrown);
  return failed(
    check,
    at === undefined ? message : `${message} (${at})`,
    fix ?? "correct it, then look again",
  );
}
