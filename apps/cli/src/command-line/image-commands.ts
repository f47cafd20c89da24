import type { Command } from "commander";
import type { Invoke } from "./invoke.ts";
import { examples, operatorOptions } from "./shared-help.ts";

/** Released models as images that others run. */
export function addImageCommands(program: Command, invoke: Invoke): void {
  const image = program
    .command("image")
    .summary("what released models run on, and who may pull them")
    .description("Images of released models.");
  operatorOptions(image.command("export <model> <folder>"))
    .summary("write a model's image to a folder, for sites without a network")
    .description(
      "Writes the image of a released model, NAME or NAME@VERSION, as an OCI layout: every architecture of it.",
    )
    .addHelpText(
      "after",
      examples("selvedge image export digits digits-image", "podman pull oci:digits-image"),
    )
    .action(invoke(() => import("../commands/image-export.ts")));
  operatorOptions(image.command("public <model>"))
    .summary("let anyone pull a model")
    .description("Lets anyone who reaches the coordinator pull a model's images, without a token.")
    .addHelpText("after", examples("selvedge image public digits"))
    .action(invoke(() => import("../commands/image-public.ts")));
  operatorOptions(image.command("private <model>"))
    .summary("let members alone pull a model")
    .description(
      "Lets only devices, by their certificate, and operators, by their token, pull a model's images.",
    )
    .addHelpText("after", examples("selvedge image private digits"))
    .action(invoke(() => import("../commands/image-private.ts")));
  addBaseCommands(
    image.command("base").summary("what the models run on").description("The runtime."),
    invoke,
  );
}

/** Whom container engines believe. */
export function addTrustCommands(program: Command, invoke: Invoke): void {
  operatorOptions(
    program.command("trust").summary("make container engines trust the coordinator").command("install"),
  )
    .summary("write Podman's and Docker's certs.d for the coordinator")
    .description(
      "Writes the fleet's root to certs.d/HOST:PORT, so that Podman and Docker pull from the coordinator: as root for " +
        "all users of this machine, otherwise for this user's Podman.",
    )
    .option("--certs-dir <folder>", "the certs.d to write to in place of those")
    .addHelpText(
      "after",
      examples("selvedge trust install", "sudo selvedge trust install --operator operator.json"),
    )
    .action(invoke(() => import("../commands/trust-install.ts")));
}

function addBaseCommands(base: Command, invoke: Invoke): void {
  operatorOptions(base.command("build"))
    .summary("make the runtime from this machine's Node and libraries")
    .description(
      "Makes an image of Node, the libraries it needs, ONNX Runtime and the model server from what is installed here, and " +
        "gives it to the coordinator: releases are images from then on. Downloads nothing.",
    )
    .option("--node <file>", "the Node to put in (default: the one that runs this)")
    .option("--system-root <folder>", "where its libraries are, when it is for another architecture", "/")
    .option("--no-strip", "leave Node's symbols, which take some 18 MB")
    .option("-o, --output <folder>", "write an OCI layout instead; needs no coordinator")
    .addHelpText("after", examples("selvedge image base build", "selvedge image base build -o runtime-amd64"))
    .action(invoke(() => import("../commands/image-base-build.ts")));
  operatorOptions(base.command("import <layouts...>"))
    .summary("take the runtime from OCI layouts")
    .description(
      "Gives the coordinator a runtime that was made elsewhere: one OCI layout, or one for each architecture.",
    )
    .addHelpText(
      "after",
      examples(
        "selvedge image base import runtime-amd64 runtime-arm64",
        "podman save --format oci-dir -o runtime localhost/inference && selvedge image base import runtime",
      ),
    )
    .action(invoke(() => import("../commands/image-base-import.ts")));
}
