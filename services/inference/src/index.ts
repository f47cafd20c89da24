export type { DeployedModel, InferenceLog } from "./deployed-model.ts";
export {
  type InferenceServer,
  type InferenceServerOptions,
  type ServedModel,
  startInferenceServer,
} from "./inference-server.ts";
