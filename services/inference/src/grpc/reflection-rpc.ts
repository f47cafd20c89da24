import {
  createRegistry,
  type DescFile,
  type DescService,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type {
  ServerReflection,
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from "../gen/grpc/reflection/v1/reflection_pb.js";
import type { RpcHandlers } from "./rpc-method.ts";

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** gRPC's server reflection: what a client needs that has no .proto files, of the given services. */
export function reflectionRpc(services: readonly DescService[]): RpcHandlers<typeof ServerReflection> {
  const files = [...new Set(services.map(({ file }) => file))];
  const fileOfSymbol = symbolIndex(files);
  const answer = ({ messageRequest: asked }: ServerReflectionRequest): Answer => {
    switch (asked.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName: name }) => ({ name })) },
        };
      case "fileByFilename":
        return fileAnswer(
          files.find(({ proto }) => proto.name === asked.value),
          asked.value,
        );
      case "fileContainingSymbol":
        return fileAnswer(fileOfSymbol(asked.value), asked.value);
      case "fileContainingExtension":
        return notFound(`no extensions of ${asked.value.containingType.slice(0, 80)}`);
      case "allExtensionNumbersOfType":
        return notFound(`no extensions of ${asked.value.slice(0, 80)}`);
      default:
        return {
          case: "errorResponse",
          value: { errorCode: invalidArgument, errorMessage: "nothing is asked" },
        };
    }
  };
  return {
    serverReflectionInfo: async function* (requests) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(request) };
      }
    },
  };
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return notFound(`nothing of the name ${asked.slice(0, 80)}`);
  const bytes = toBinary(FileDescriptorProtoSchema, file.proto);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: [bytes] } };
}

/** The file of a type, a service, or by its full name a method or a field. None of the files imports another. */
function symbolIndex(files: readonly DescFile[]): (name: string) => DescFile | undefined {
  const registry = createRegistry(...files);
  return (name) => {
    const found = registry.get(name);
    if (found !== undefined) return found.file;
    const end = Math.max(name.lastIndexOf("."), 0);
    const [parent, member] = [registry.get(name.slice(0, end)), name.slice(end + 1)];
    const members =
      parent?.kind === "service" ? parent.methods : parent?.kind === "message" ? parent.fields : [];
    return members.some((each) => each.name === member) ? parent?.file : undefined;
  };
}

function notFound(errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode: 5, errorMessage } };
}

const invalidArgument = 3;
