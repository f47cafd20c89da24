import { type Command, Option } from "commander";
import { datasetForms, datasetOption } from "./dataset-option.ts";
import type { Invoke } from "./invoke.ts";
import {
  byteSizeOption,
  collect,
  count,
  countList,
  durationOption,
  portOption,
  wholeNumber,
} from "./option-parsers.ts";
import { examples, folderHelp, stateHelp } from "./shared-help.ts";

/** What keeps running: the coordinator, a device's agent, a model server. */
export function addServiceCommands(program: Command, invoke: Invoke): void {
  addUpCommand(program, invoke);
  addAgentCommand(program, invoke);
  addServeCommand(program, invoke);
}

function addUpCommand(program: Command, invoke: Invoke): void {
  program
    .command("up")
    .summary("run the coordinator of a fleet")
    .description("Runs the coordinator in the foreground. The first start makes its keys and operator.json.")
    .option("--state <dir>", stateHelp)
    .option(
      "--store <url>",
      "PostgreSQL database for records, postgres://USER:PASSWORD@HOST/DATABASE (or $SELVEDGE_STORE, which other users cannot see)",
    )
    .option("--host <address>", "address to listen on", "0.0.0.0")
    .option("--port <port>", "port to listen on; 0 = any free port", portOption, 7443)
    .addOption(
      new Option("--name <host>", "name or address that devices dial; may be repeated")
        .argParser(collect)
        .default([], "this machine's"),
    )
    .option("--trust-domain <name>", "name of the fleet in every certificate", "selvedge.internal")
    .option(
      "--offline-budget <duration>",
      "how long a device may be out of reach: its certificate lasts three times that, at least a day " +
        "(default: what was given before, or 56h)",
      durationOption,
    )
    .option(
      "--grace-window <duration>",
      "how long after its certificate ran out a device is renewed without an operator " +
        "(default: what was given before, or 30d)",
      durationOption,
    )
    .option(
      "--max-memory <size>",
      "what training a model may take of a device's memory, and evaluating it of this machine's, such as \"2GB\" " +
        "(default: half of this machine's)",
      byteSizeOption,
    )
    .addOption(
      new Option("--dataset <source>", `data to evaluate on, such as ${datasetForms[0]}; may be repeated`)
        .argParser(datasetOption)
        .default([], "none"),
    )
    .addOption(logLevel())
    .addOption(stopWithStdin())
    .addHelpText(
      "after",
      examples(
        "selvedge up",
        "selvedge up --name fleet.example.org --state /srv/selvedge",
        "selvedge up --offline-budget 10d",
        "SELVEDGE_STORE=postgres://selvedge:PASSWORD@db.example.org/fleet selvedge up",
        "selvedge up --dataset mnist-test=idx:t10k-images-idx3-ubyte,t10k-labels-idx1-ubyte,10",
      ),
    )
    .action(invoke(() => import("../commands/up.ts")));
}

function addAgentCommand(program: Command, invoke: Invoke): void {
  const agent = program
    .command("agent")
    .summary("run this device's agent")
    .description("This device's agent.");
  agent
    .command("run")
    .summary("train, update and serve, as this device's owner allows")
    .description(
      "Runs the agent in the foreground. What it may do stands in policy.yaml, its data in agent.yaml.",
    )
    .option("--folder <dir>", folderHelp)
    .addOption(logLevel())
    .addOption(stopWithStdin())
    .addHelpText(
      "after",
      examples("selvedge agent run", "selvedge agent run --folder /srv/device-1 --log-level debug"),
    )
    .action(invoke(() => import("../commands/agent-run.ts")));
  agent
    .command("audit")
    .summary("list what left this device")
    .description("Lists what left this device, and under whose signature: the newest records of audit.log.")
    .option("--folder <dir>", folderHelp)
    .option("--limit <n>", "at most so many", count, 100)
    .addHelpText("after", examples("selvedge agent audit", "selvedge agent audit --json"))
    .action(invoke(() => import("../commands/agent-audit.ts")));
}

function addServeCommand(program: Command, invoke: Invoke): void {
  program
    .command("serve <model>")
    .summary("serve ONNX models over HTTP and gRPC")
    .description(
      "Serves an ONNX file, or a folder of NAME/VERSION/model.onnx, over the Open Inference Protocol, with /metrics.",
    )
    .option("--name <name>", "name of the model in a file (default: that of the file)")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on; 0 = any free port", portOption, 8080)
    .option("--grpc-port <port>", "port for gRPC; 0 = any free port", portOption, 8081)
    .option("--no-grpc", "speak HTTP only")
    .option("--token-file <file>", "token that callers must send as Authorization: Bearer (default: none)")
    .option(
      "--admin-token-file <file>",
      "token that loads and unloads models of the folder (default: nobody may)",
    )
    .option("--tls-cert <file>", "serve TLS 1.3 with this certificate chain, PEM")
    .option("--tls-key <file>", "its private key, PEM")
    .option("--pipeline <file>", "how a model of an ONNX file classifies pictures, YAML")
    .option("--max-batch-size <n>", "examples that may be run together; 1 = none", count, 64)
    .option(
      "--preferred-batch-sizes <list>",
      "examples that are run as soon as they wait, such as 8,16",
      countList,
    )
    .option(
      "--max-queue-delay-us <n>",
      "microseconds that a request may wait to be run with others",
      wholeNumber,
      0,
    )
    .option("--stream-in <filter>", 'MQTT topics whose messages are answered, such as "sensors/+/image"')
    .option(
      "--stream-out <topic>",
      'topic of their answers, such as "sensors/{1}/class"; errors go to …/error',
    )
    .option("--mqtt-url <url>", "broker of the stream, mqtt:// or mqtts:// (default: mqtt://localhost:1883)")
    .option("--stream <file>", "YAML of one stream or several, with all of their settings")
    .addOption(logLevel())
    .addHelpText(
      "after",
      examples(
        "selvedge serve digits.onnx",
        "selvedge serve digits.onnx --name digits --port 0 --no-grpc",
        "selvedge serve models --admin-token-file admin-token",
        'selvedge serve digits.onnx --stream-in "sensors/+/image" --stream-out "sensors/{1}/class"',
      ),
    )
    .action(invoke(() => import("../commands/serve.ts")));
}

function logLevel(): Option {
  return new Option("--log-level <level>", "least important log line shown")
    .choices(["trace", "debug", "info", "warn", "error", "silent"])
    .default("info");
}

function stopWithStdin(): Option {
  return new Option("--stop-with-stdin", "stop when standard input ends: with the process that holds it");
}
