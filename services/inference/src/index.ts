export type { AccessOptions } from "./access.ts";
export type { DeployedModel, InferenceLog } from "./deployed-model.ts";
export {
  type InferenceServer,
  type InferenceServerOptions,
  type ServedModel,
  startInferenceServer,
} from "./inference-server.ts";
export type { ServerTls } from "./listen.ts";
export type { ModelRepository, RepositoryEntry } from "./models/model-repository.ts";
export { type Pipeline, pipelineSchema, readPipeline } from "./pipeline/pipeline.ts";
export { type ServeOptions, serve } from "./serve.ts";
export type { PayloadKind, StreamOptions } from "./stream/stream-options.ts";
export {
  readStreamFlags,
  readStreamSections,
  type StreamFlags,
  type StreamSection,
  streamSchema,
} from "./stream/stream-settings.ts";
