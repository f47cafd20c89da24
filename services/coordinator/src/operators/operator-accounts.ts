import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type Operator,
  OperatorSchema,
  type OperatorService,
  publicKeyFromRaw,
  SelvedgeError,
} from "@selvedge/protocol";
import type { AuditLog } from "../audit/audit-log.ts";
import {
  type OperatorRecord,
  type OperatorRole,
  type OperatorTokens,
  operatorRoles,
  planKeyIdOf,
} from "../identity/operator-tokens.ts";
import type { Principal } from "../identity/principal.ts";
import { listAudit } from "./list-audit.ts";

export interface OperatorAccountsOptions {
  readonly operatorTokens: OperatorTokens;
  readonly audit: AuditLog;
  readonly trustDomain: string;
  principalOf(context: HandlerContext): Principal;
  /** Authorises again whatever lasts of what this operator does. */
  recheckOperator(name: string): Promise<void>;
}

type OperatorAccounts = Pick<
  ServiceImpl<typeof OperatorService>,
  "whoAmI" | "createOperator" | "listOperators" | "revokeOperator" | "registerPlanKey" | "listAudit"
>;

/** The calls by which operators manage themselves, and see what was done. */
export function operatorAccounts(options: OperatorAccountsOptions): OperatorAccounts {
  const { operatorTokens, audit, trustDomain, principalOf, recheckOperator } = options;
  const callerName = (context: HandlerContext): string => {
    const principal = principalOf(context);
    if (principal.kind === "operator") return principal.name;
    throw new SelvedgeError("permission_denied", "only an operator has an account");
  };
  return {
    async whoAmI(_request, context) {
      const name = callerName(context);
      const record = operatorTokens.list().find((one) => one.name === name);
      return { trustDomain, ...(record !== undefined && { operator: operatorView(record) }) };
    },
    async createOperator({ name, role, lifetimeSeconds }) {
      const lifetimeMs = (lifetimeSeconds || lifetimeSecondsDefault) * 1_000;
      const { text, record } = await operatorTokens.create({ name, role: roleOf(role), lifetimeMs });
      return { token: text, operator: operatorView(record) };
    },
    listOperators: () => ({ operators: operatorTokens.list().map(operatorView) }),
    async revokeOperator({ name }) {
      const record = await operatorTokens.revoke(name);
      await recheckOperator(name);
      return { operator: operatorView(record) };
    },
    async registerPlanKey({ publicKey }, context) {
      const record = await operatorTokens.setPlanKey(callerName(context), publicKeyFromRaw(publicKey));
      return { keyId: planKeyIdOf(record) ?? "" };
    },
    listAudit: (request) => listAudit(audit, request),
  };
}

function operatorView(record: OperatorRecord): Operator {
  return create(OperatorSchema, {
    name: record.name,
    role: record.role,
    tokenId: record.tokenId,
    createdAtMs: BigInt(record.createdAtMs),
    expiresAtMs: BigInt(record.expiresAtMs ?? 0),
    revokedAtMs: BigInt(record.revokedAtMs ?? 0),
    lastUsedAtMs: BigInt(record.lastUsedAtMs ?? 0),
    planKeyId: planKeyIdOf(record) ?? "",
  });
}

function roleOf(text: string): OperatorRole {
  const role = operatorRoles.find((known) => known === text);
  if (role !== undefined) return role;
  throw new SelvedgeError("invalid_argument", `not a role: "${text.slice(0, 80)}"`, {
    at: "role",
    fix: `give one of: ${operatorRoles.join(", ")}`,
  });
}

const lifetimeSecondsDefault = 90 * 86_400;
