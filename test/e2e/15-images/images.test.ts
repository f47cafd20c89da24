import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { jobFile } from "../job-file.fixture.ts";
import { until } from "../patience.fixture.ts";
import { mainPath } from "../spawned-process.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";
import { PodmanHome, whyNot } from "./podman.fixture.ts";

suite("images of a model that a fleet learned", { skip: whyNot() }, () => {
  let folder: string;
  let fleet: TestFleet;
  let podman: PodmanHome;
  let host: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "selvedge-images-"));
    podman = new PodmanHome(folder);
    fleet = await TestFleet.start(3);
    host = new URL(fleet.operator.url).host;
    await fleet.operator.startJob("digits-1", jobFile("5s"));
    fleet.assertComplete(await fleet.operator.watch("digits-1"));
    await fleet.run(["release", "digits-1"]);
    await fleet.run(["image", "base", "build"]);
    await fleet.run(["trust", "install", "--certs-dir", podman.certsFolder]);
  });
  after(async () => {
    await podman.clear();
    await fleet[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test("[OC10] three lines pull the model, run it and ask it", async () => {
    await assert.rejects(
      podman.shell(`podman pull ${host}/digits:latest`),
      /unauthorized|authentication required/i,
    );
    await fleet.run(["image", "public", "digits"]);
    const port = await freePort();
    writeFileSync(join(folder, "example.json"), exampleRequest);
    await podman.shell(`podman pull ${host}/digits:latest`);
    await podman.shell(`podman run -d --name edge-ai-inference -p ${port}:8080 ${host}/digits:latest`);
    const ask = `curl -s localhost:${port}/v2/models/digits/infer -d @${folder}/example.json`;
    await ready(port);
    const answer = JSON.parse(await podman.shell(ask));
    assert.deepEqual([answer.model_name, answer.model_version], ["digits", "1"]);
    assert.equal(answer.outputs[0].shape[0], 1);
    const stopped = await podman.shell("podman stop edge-ai-inference && podman logs edge-ai-inference 2>&1");
    assert.match(stopped, /"msg":"stopped"/);
  });

  test("[OC10] it runs with a read-only root and no capability, as nobody, and pinned by digest", async () => {
    const shown = await fleet.run(["model", "show", "digits"]);
    const [pinned = ""] = /\S+\/digits@sha256:[0-9a-f]{64}/.exec(shown) ?? [];
    const port = await freePort();
    const options = `--read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges -p ${port}:8080`;
    await podman.shell(`podman run -d --name confined ${options} ${pinned}`);
    await ready(port);
    const user = await podman.shell("podman inspect --format '{{.Config.User}}' confined");
    assert.equal(user.trim(), "65532:65532");
    await podman.shell("podman rm --force confined");
  });

  test("[OC1] skopeo inspects, copies away and pushes what it copied", async () => {
    const { token } = JSON.parse(readFileSync(join(fleet.folder, "coordinator/operator.json"), "utf8"));
    const inspected = JSON.parse(await podman.shell(`skopeo inspect docker://${host}/digits:latest`));
    assert.deepEqual(inspected.RepoTags, ["1", "1-modelpack", "latest"]);
    const copy = "skopeo copy --all --preserve-digests";
    await podman.shell(`${copy} docker://${host}/digits:1 dir:${folder}/copy`);
    await podman.shell(`${copy} --dest-creds x:$TOKEN dir:${folder}/copy docker://${host}/tools/digits:1`, {
      TOKEN: token,
    });
    const login = `podman login --username anybody --password-stdin ${host} <<<"$TOKEN"`;
    await podman.shell(`${login} && skopeo inspect docker://${host}/tools/digits:1`, {
      TOKEN: token,
      REGISTRY_AUTH_FILE: join(folder, "auth.json"),
    });
    const raw = (name: string) =>
      podman.shell(`skopeo inspect --creds x:$TOKEN --raw docker://${host}/${name}`, { TOKEN: token });
    assert.equal(await raw("tools/digits:1"), await raw("digits:1"));
    await podman.shell(`skopeo copy docker://${host}/digits:1-modelpack dir:${folder}/pack`);
  });

  test("[OC2] a device that joined pulls with its certificate, and nobody without one", async () => {
    await fleet.run(["image", "private", "digits"]);
    await podman.shell(`rm -r ${podman.certsFolder}/${host}`);
    const token = await fleet.operator.createToken(1);
    // Not as root, whose devices are all users' and in places of the whole machine.
    const join = `unshare --user --map-user=1000 ${process.execPath} ${mainPath()} join ${fleet.operator.url}`;
    await podman.shell(`unset XDG_CONFIG_HOME XDG_STATE_HOME; ${join} --token-file - <<<"$TOKEN"`, {
      TOKEN: token,
    });
    const pull = `podman rmi --all --force; podman pull ${host}/digits:latest`;
    await podman.shell(pull);
    await podman.shell(`rm ${podman.certsFolder}/${host}/client.*`);
    await assert.rejects(podman.shell(pull), /unauthorized|authentication required/i);
  });

  test("[OC2] who may pull and nothing else logs in, by tokens of the registry's, and is refused once revoked", async () => {
    const TOKEN = (await fleet.run(["operator", "create", "puller", "--role", "puller"])).trim();
    const inspect = (name: string, options = ""): Promise<string> =>
      podman.shell(`skopeo inspect ${options} docker://${host}/${name}`, { TOKEN });
    await inspect("digits:latest", "--creds any:$TOKEN");
    await assert.rejects(
      inspect("digits:latest", "--creds any:$TOKEN,wrong"),
      /unauthorized|authentication required/i,
    );
    await assert.rejects(inspect("digits:latest"), /unauthorized|authentication required/i);
    const push = `skopeo copy --dest-creds any:$TOKEN dir:${folder}/copy docker://${host}/tools/other:1`;
    await assert.rejects(podman.shell(push, { TOKEN }), /denied|may not do this/i);
    await fleet.run(["operator", "revoke", "puller"]);
    await assert.rejects(
      inspect("digits:latest", "--creds any:$TOKEN"),
      /unauthorized|authentication required/i,
    );
    await fleet.run(["image", "public", "digits"]);
    await inspect("digits:latest");
  });

  test("[OC11] an exported image is an OCI layout that runs where there is no coordinator", async () => {
    const layout = join(folder, "exported");
    await fleet.run(["image", "export", "digits", layout]);
    const digest = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")).manifests[0].digest;
    assert.match(await fleet.run(["model", "show", "digits"]), new RegExp(digest));
    await podman.shell(`podman rmi --all --force && cd ${folder} && podman pull oci:exported`);
  });

  /** The server loads its model once it runs: a person types slower than that. */
  async function ready(port: number): Promise<void> {
    const ask = `curl -sf localhost:${port}/v2/health/ready`;
    const isReady = (): Promise<boolean> => podman.shell(ask).then(Boolean, () => false);
    await until(isReady, "the container is ready");
  }
});

const exampleRequest = JSON.stringify({
  inputs: [{ name: "input", datatype: "FP32", shape: [1, 16], data: Array(16).fill(0.5) }],
});

/** One that nobody listens on: Podman takes no 0 that it would then have to tell. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
