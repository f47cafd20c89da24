export { type Agent, type AgentOptions, runAgent } from "./agent.ts";
export { type DeviceFolder, openDeviceFolder } from "./identity/device-folder.ts";
export { type DeviceIdentity, loadDeviceIdentity } from "./identity/device-identity.ts";
export { type EnrolOptions, enrolDevice } from "./identity/enrol.ts";
export { type JoinedDevice, type JoinOptions, joinFleet } from "./join-fleet.ts";
