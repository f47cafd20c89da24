import { SelvedgeError } from "@selvedge/protocol";
import { arrayAt, countAt, invalid, type JsonObject, objectAt, show } from "../tensors/json-fields.ts";

/**
 * Which of a model's versions to serve, by the `parameters` of a load request
 * (Triton's model repository extension): the newest, unless `config`, the JSON of
 * a model configuration, has a `version_policy` that says otherwise.
 *
 * @param versions that there are, the oldest first
 * @returns those to serve, in the same order
 * @throws SelvedgeError `invalid_argument` for a configuration that cannot be read, `unsupported` for one that
 *   asks for more than a version policy, `not_found` when a version is wanted that there is not
 */
export function versionsToServe(parameters: JsonObject, versions: readonly string[]): readonly string[] {
  const other = Object.keys(parameters).find((name) => name !== "config");
  if (other !== undefined) throw unsupported(`the parameter ${show(other)} of a load`);
  if (parameters.config === undefined) return versions.slice(-1);
  const config = readConfig(parameters.config);
  const strange = Object.keys(config).find((field) => !knownFields.has(field));
  if (strange !== undefined) throw unsupported(`${show(strange)} in a configuration`);
  const policy = config.version_policy ?? config.versionPolicy;
  return policy === undefined ? versions.slice(-1) : chosen(objectAt(policy, at), versions);
}

function readConfig(text: unknown): JsonObject {
  if (typeof text !== "string") throw invalid("parameters.config", `must be a string and is ${show(text)}`);
  try {
    return objectAt(JSON.parse(text), "parameters.config");
  } catch (thrown) {
    throw SelvedgeError.from(thrown, "invalid_argument");
  }
}

function chosen({ latest, all, specific }: JsonObject, versions: readonly string[]): readonly string[] {
  if (all !== undefined) return versions;
  if (latest !== undefined) {
    const { num_versions, numVersions } = objectAt(latest, `${at}.latest`);
    const count = countAt(num_versions ?? numVersions ?? 1, `${at}.latest.num_versions`) ?? 1;
    if (count === 0) throw invalid(`${at}.latest.num_versions`, "must be above 0");
    return versions.slice(-count);
  }
  const wanted = arrayAt(objectAt(specific, `${at}.specific`).versions, `${at}.specific.versions`).map(
    String,
  );
  if (wanted.length === 0) throw invalid(`${at}.specific.versions`, "names no version");
  const missing = wanted.find((each) => !versions.includes(each));
  if (missing === undefined) return versions.filter((each) => wanted.includes(each));
  throw new SelvedgeError("not_found", `there is no version ${show(missing)} to load`);
}

function unsupported(what: string): SelvedgeError {
  return new SelvedgeError("unsupported", `${what} is not something this server can follow`, {
    fix: "give version_policy in config, or nothing",
  });
}

const at = "parameters.config: version_policy";
/** The last two say what models here are anyway. */
const knownFields: ReadonlySet<string> = new Set([
  "version_policy",
  "versionPolicy",
  "name",
  "platform",
  "backend",
]);
