import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type AuditDetail, SelvedgeError } from "@selvedge/protocol";
import type { Principal } from "../identity/principal.ts";
import { isAudited } from "../identity/routes.ts";
import { actorOf } from "./actor-of.ts";
import type { AuditLog } from "./audit-log.ts";

export interface AuditedServiceOptions {
  readonly audit: Pick<AuditLog, "append">;
  principalOf(context: HandlerContext): Principal;
}

type UnaryHandler = (request: Message, context: HandlerContext) => unknown;

/**
 * The same service, whose calls that change something are recorded: before
 * they are done, and again when they fail (SPEC AU4). Which those are follows
 * from the table of routes, so that a new call cannot be forgotten.
 *
 * @throws SelvedgeError `internal` when one of them streams.
 */
export function auditedService<Service extends DescService>(
  service: Service,
  handlers: ServiceImpl<Service>,
  options: AuditedServiceOptions,
): ServiceImpl<Service> {
  const audited = service.methods.flatMap((method): [string, UnaryHandler][] => {
    const route = `${service.typeName}/${method.name}`;
    if (!isAudited(route)) return [];
    if (method.methodKind !== "unary") {
      throw new SelvedgeError("internal", "only a call with one answer can be recorded", { at: route });
    }
    const handle = handlers[method.localName as keyof ServiceImpl<Service>] as UnaryHandler;
    return [[method.localName, auditedCall(method, handle, options)]];
  });
  return { ...handlers, ...Object.fromEntries(audited) };
}

function auditedCall(
  method: DescMethod,
  handle: UnaryHandler,
  { audit, principalOf }: AuditedServiceOptions,
): UnaryHandler {
  const action = kebabCase(method.name);
  return async (request, context) => {
    const { subject, detail } = describeRequest(method, request);
    const entry = { actor: actorOf(principalOf(context), ""), action, subject, detail };
    await audit.append(entry);
    try {
      return await handle(request, context);
    } catch (thrown) {
      const { code, message } = SelvedgeError.from(thrown);
      await audit.append({ ...entry, action: `${action}-failed`, detail: { code, reason: message } });
      throw thrown;
    }
  };
}

/**
 * The request's first text is what the call is about; its other plain values
 * are the detail, keys among them. Larger bytes, and messages, are left out.
 */
function describeRequest(
  { input }: DescMethod,
  request: Message,
): { readonly subject: string; readonly detail: AuditDetail } {
  const values = new Map<string, unknown>(Object.entries(request));
  const fields = input.fields.flatMap(({ localName }): [string, AuditDetail[string]][] => {
    const value = plain(values.get(localName));
    return value === undefined ? [] : [[localName, value]];
  });
  const first = fields.find(([name]) => typeof values.get(name) === "string");
  return {
    subject: String(first?.[1] ?? ""),
    detail: Object.fromEntries(fields.filter((field) => field !== first)),
  };
}

function plain(value: unknown): AuditDetail[string] | undefined {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array && value.length <= keyBytesMax) return Buffer.from(value).toString("hex");
  const isTexts = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isTexts ? value.join(", ") : undefined;
}

function kebabCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}

const keyBytesMax = 64;
