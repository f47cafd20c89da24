import { z } from "zod";

/**
 * The keys a schema has at a place in a value; none where anything or a scalar stands.
 *
 * @param value what is to be checked: where it says which kind of a union it is, only that kind's keys count
 */
export function schemaKeysAt(
  schema: z.ZodType,
  path: readonly PropertyKey[],
  value?: unknown,
): readonly string[] {
  const here = unwrapped(schema);
  if (here instanceof z.ZodUnion) {
    return [...new Set(optionsFor(here, value).flatMap((option) => schemaKeysAt(option, path, value)))];
  }
  const [step, ...rest] = path;
  if (step === undefined) return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
  const inner = schemaAt(here, step);
  return inner === undefined ? [] : schemaKeysAt(inner, rest, valueAt(value, step));
}

function optionsFor(union: z.ZodUnion, value: unknown): readonly z.ZodType[] {
  const options = union.options as readonly z.ZodType[];
  if (!(union instanceof z.ZodDiscriminatedUnion)) return options;
  const key = union.def.discriminator;
  const kind = valueAt(value, key);
  const chosen = options.filter((option) => schemaAt(unwrapped(option), key)?.safeParse(kind).success);
  return chosen.length === 0 ? options : chosen;
}

/** What stands at a key or place of a map or list; undefined where nothing does. */
export function valueAt(value: unknown, step: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined;
}

function schemaAt(schema: z.ZodType, step: PropertyKey): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return (schema.shape as Readonly<Record<PropertyKey, z.ZodType>>)[step];
  if (schema instanceof z.ZodRecord) return schema.valueType as z.ZodType;
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  return undefined;
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    return unwrapped(schema.unwrap() as z.ZodType);
  }
  if (!(schema instanceof z.ZodPipe)) return schema;
  // What is transformed first says nothing of the keys, what it becomes does.
  const { in: before, out: after } = schema;
  return unwrapped((before instanceof z.ZodTransform ? after : before) as z.ZodType);
}
