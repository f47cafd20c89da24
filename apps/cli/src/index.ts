export { confinedTo } from "./demo/confinement.ts";
export { buildPlan } from "./job-file/build-plan.ts";
export {
  type JobFile,
  type JobModel,
  type ModelSource,
  parseJobFile,
  readJobFile,
} from "./job-file/job-file.ts";
export { loadModel } from "./job-file/load-model.ts";
export { runProgram } from "./program.ts";
export type { OutputStream, Terminal } from "./terminal.ts";
