import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { SelvedgeError } from "@selvedge/protocol";

/** What a method knows of one call of it. */
export interface RpcCall {
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
  /** How long the caller waits from the call on, milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Metadata that goes before the first message of the answer; the method may add to it. */
  readonly headers: Record<string, string>;
}

type Maybe<T> = T | Promise<T>;

/** A method as bytes: of one message or a stream of them, and its answer. */
export type RpcMethod =
  | { readonly kind: "unary"; answer(message: Uint8Array, call: RpcCall): Promise<Uint8Array> }
  | {
      readonly kind: "server_streaming";
      answer(message: Uint8Array, call: RpcCall): AsyncIterable<Uint8Array>;
    }
  | {
      readonly kind: "bidi_streaming";
      answer(messages: AsyncIterable<Uint8Array>, call: RpcCall): AsyncIterable<Uint8Array>;
    };

/** A function for each method of a service. All may throw SelvedgeErrors. */
export type RpcHandlers<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]: RpcHandler<Service["method"][Name]>;
};

/** What answers a method of each kind. */
interface HandlersOf<Input extends DescMessage, Output extends DescMessage> {
  unary(request: MessageShape<Input>, call: RpcCall): Maybe<MessageInitShape<Output>>;
  server_streaming(request: MessageShape<Input>, call: RpcCall): AsyncIterable<MessageInitShape<Output>>;
  bidi_streaming(
    requests: AsyncIterable<MessageShape<Input>>,
    call: RpcCall,
  ): AsyncIterable<MessageInitShape<Output>>;
}

type RpcHandler<Method> = Method extends {
  readonly methodKind: infer Kind extends keyof HandlersOf<DescMessage, DescMessage>;
  readonly input: infer Input extends DescMessage;
  readonly output: infer Output extends DescMessage;
}
  ? HandlersOf<Input, Output>[Kind]
  : never;

/** A service's methods by their paths, such as "/inference.GRPCInferenceService/ModelInfer". */
export function rpcMethods<Service extends DescService>(
  service: Service,
  handlers: RpcHandlers<Service>,
): ReadonlyMap<string, RpcMethod> {
  const byName: Readonly<Record<string, unknown>> = handlers;
  return new Map(
    service.methods.flatMap((method) => {
      const handler = byName[method.localName];
      return handler === undefined
        ? []
        : [[`/${service.typeName}/${method.name}`, rpcMethod(method, handler)]];
    }),
  );
}

/** @param handler - of the method's own kind and messages, as `RpcHandlers` has it */
function rpcMethod({ methodKind, input, output }: DescMethod, handler: unknown): RpcMethod {
  type Handlers = HandlersOf<DescMessage, DescMessage>;
  const encode = (init: MessageInitShape<DescMessage>): Uint8Array => toBinary(output, create(output, init));
  const encodeAll = async function* (inits: AsyncIterable<MessageInitShape<DescMessage>>) {
    for await (const init of inits) yield encode(init);
  };
  switch (methodKind) {
    case "unary": {
      const answer = handler as Handlers["unary"];
      return {
        kind: methodKind,
        answer: async (message, call) => encode(await answer(decode(input, message), call)),
      };
    }
    case "server_streaming": {
      const answer = handler as Handlers["server_streaming"];
      return {
        kind: methodKind,
        answer: (message, call) => encodeAll(answer(decode(input, message), call)),
      };
    }
    default: {
      const answer = handler as Handlers["bidi_streaming"];
      return {
        kind: "bidi_streaming",
        answer: (messages, call) => encodeAll(answer(decodeAll(input, messages), call)),
      };
    }
  }
}

async function* decodeAll(
  schema: DescMessage,
  messages: AsyncIterable<Uint8Array>,
): AsyncIterable<MessageShape<DescMessage>> {
  for await (const message of messages) yield decode(schema, message);
}

function decode(schema: DescMessage, message: Uint8Array): MessageShape<DescMessage> {
  try {
    return fromBinary(schema, message);
  } catch (thrown) {
    throw SelvedgeError.from(thrown, "invalid_argument");
  }
}
