import { type ReleasedModel, SelvedgeError } from "@selvedge/protocol";

/**
 * @param reference - "name" for the newest release of it, or "name@version"
 * @throws SelvedgeError `invalid_argument`, `not_found`
 */
export function findModel(models: readonly ReleasedModel[], reference: string): ReleasedModel {
  const [, name, version] = /^([^@]+)(?:@(\d{1,15}))?$/.exec(reference) ?? [];
  if (name === undefined) {
    throw new SelvedgeError("invalid_argument", `"${reference}" is not a model`, {
      fix: "write name, or name@version, such as digits@3",
    });
  }
  const found = models.find(
    (model) =>
      model.name === name && (version === undefined ? model.current : model.version === BigInt(version)),
  );
  if (found !== undefined) return found;
  throw new SelvedgeError("not_found", `no released model "${reference}"`, {
    fix: "see `selvedge model list`",
  });
}
