export { type DeviceFolder, openDeviceFolder } from "./identity/device-folder.ts";
export { type DeviceIdentity, loadDeviceIdentity } from "./identity/device-identity.ts";
export { type EnrolOptions, enrolDevice } from "./identity/enrol.ts";
