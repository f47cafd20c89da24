export { byteSize } from "./byte-size-schema.ts";
export { duration } from "./duration-schema.ts";
export { byteSizeForm, parseByteSize } from "./parse-byte-size.ts";
export { durationForm, parseDuration } from "./parse-duration.ts";
export { readYamlFile, readYamlText } from "./read-yaml-file.ts";
export { schemaKeysAt } from "./schema-keys.ts";
export { YamlFile } from "./yaml-file.ts";
