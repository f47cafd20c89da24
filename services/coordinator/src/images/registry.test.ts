import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { digestOf, ImageService } from "@selvedge/protocol";
import { mediaTypes, type OciDocument, ociDocument, type RegistryClient } from "@selvedge/registry";
import { type RunningCoordinator, startTestCoordinator } from "../coordinator.fixture.ts";
import { type HttpProbe, type ProbeAnswer, probeHttp } from "../http-probe.fixture.ts";
import { pushRuntime, registryClientOf, releaseModel } from "./images.fixture.ts";

suite("the registry on a coordinator's port", () => {
  let running: RunningCoordinator;
  let client: RegistryClient;
  let runtime: OciDocument;
  const model = Buffer.from("an ONNX file");
  before(async () => {
    running = await startTestCoordinator();
    client = registryClientOf(running);
    runtime = await pushRuntime(client);
    await releaseModel(running, "digits", model);
  });
  after(() => running[Symbol.asyncDispose]());

  const ask = (path: string, request: Partial<HttpProbe> = {}): Promise<ProbeAnswer> =>
    probeHttp({
      method: "GET",
      path,
      url: running.coordinator.url,
      ca: running.ca,
      token: running.adminToken,
      ...request,
    });
  const json = async (path: string) => JSON.parse((await ask(path)).body);

  test("[OC1] a manifest is answered by tag and by digest, with what clients look at", async () => {
    const byTag = await ask("/v2/digits/manifests/latest");
    assert.equal(byTag.status, 200);
    assert.equal(byTag.headers["content-type"], mediaTypes.index);
    const digest = digestOf(Buffer.from(byTag.body));
    assert.equal(byTag.headers["docker-content-digest"], digest);
    const byDigest = await ask(`/v2/digits/manifests/${digest}`);
    assert.equal(byDigest.body, byTag.body);
    const head = await ask("/v2/digits/manifests/latest", { method: "HEAD" });
    assert.deepEqual([head.status, head.body, head.headers["docker-content-digest"]], [200, "", digest]);
    assert.equal(head.headers["content-length"], String(byTag.body.length));
  });

  test("[OC1] what is not there, or is no name, is told in a registry's words", async () => {
    const cases = {
      "/v2/digits/manifests/none": [404, "MANIFEST_UNKNOWN"],
      "/v2/nobody/manifests/latest": [404, "NAME_UNKNOWN"],
      "/v2/nobody/tags/list": [404, "NAME_UNKNOWN"],
      [`/v2/digits/blobs/${digestOf(Buffer.from("x"))}`]: [404, "BLOB_UNKNOWN"],
      "/v2/digits/blobs/sha256:1": [400, "DIGEST_INVALID"],
      "/v2/digits/manifests/sha256:1": [400, "DIGEST_INVALID"],
      "/v2/digits/manifests/a%2fb": [400, "MANIFEST_INVALID"],
      "/v2/Digits/tags/list": [400, "NAME_INVALID"],
      "/v2/tools/..x/manifests/latest": [400, "NAME_INVALID"],
      "/v2/digits": [404, "UNSUPPORTED"],
    } as const;
    for (const [path, [status, code]] of Object.entries(cases)) {
      const answer = await ask(path);
      assert.deepEqual([answer.status, JSON.parse(answer.body).errors[0].code], [status, code], path);
    }
  });

  test("[OC1] blobs are answered whole and by range, tags page by page", async () => {
    const { layers } = await firstManifest();
    const { digest, size } = layers.at(-1);
    const whole = await ask(`/v2/digits/blobs/${digest}`);
    assert.equal(whole.headers["content-length"], String(size));
    assert.equal(digestOf(Buffer.from(whole.body)), digest);
    // The layer is made as it is read, so a range begins within it.
    for (const [from, to] of [
      [0, 9],
      [500, 2_060],
      [2_040, 2_052],
      [size - 3, size + 7],
    ] as const) {
      const part = await ask(`/v2/digits/blobs/${digest}`, { headers: { range: `bytes=${from}-${to}` } });
      assert.equal(part.status, 206);
      assert.equal(part.body, whole.body.slice(from, to + 1));
    }
    assert.equal(
      (await ask(`/v2/digits/blobs/${digest}`, { headers: { range: `bytes=${size}-` } })).status,
      416,
    );
    assert.deepEqual(await json("/v2/digits/tags/list"), {
      name: "digits",
      tags: ["1", "1-modelpack", "latest"],
    });
    const page = await ask("/v2/digits/tags/list?n=2");
    assert.deepEqual(JSON.parse(page.body).tags, ["1", "1-modelpack"]);
    assert.equal(page.headers.link, '</v2/digits/tags/list?n=2&last=1-modelpack>; rel="next"');
    assert.deepEqual((await json("/v2/digits/tags/list?n=2&last=1-modelpack")).tags, ["latest"]);
  });

  test("[OC2] a stranger is asked who it is; a token is taken as a password and as a bearer's", async () => {
    for (const path of ["/v2/", "/v2/digits/manifests/latest", "/v2/nobody/manifests/latest"]) {
      const refused = await probeHttp({
        method: "GET",
        path,
        url: running.coordinator.url,
        ca: running.ca,
      });
      assert.equal(refused.status, 401);
      assert.match(
        String(refused.headers["www-authenticate"]),
        /^Bearer realm="https:\/\/[^"]+\/v2\/token",service="/,
      );
      assert.equal(JSON.parse(refused.body).errors[0].code, "UNAUTHORIZED");
    }
    const viewer = await running.createOperator("puller");
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    const withHeaders = (headers: Readonly<Record<string, string>>) =>
      probeHttp({ method: "GET", path: "/v2/", url: running.coordinator.url, ca: running.ca, headers });
    assert.equal((await withHeaders(basic(`anybody:${viewer}`))).status, 200);
    assert.equal((await withHeaders({ authorization: `Bearer ${viewer}` })).status, 200);
    assert.equal((await withHeaders(basic(`anybody:${viewer}x`))).status, 401);
    assert.equal((await withHeaders(basic(":"))).status, 401);
    const realm = String((await withHeaders({})).headers["www-authenticate"]);
    const { pathname } = new URL(/realm="([^"]+)"/.exec(realm)?.[1] ?? "");
    const tokenOf = async (headers: Readonly<Record<string, string>>) =>
      await probeHttp({
        method: "GET",
        path: `${pathname}?service=x&scope=repository:digits:pull`,
        url: running.coordinator.url,
        ca: running.ca,
        headers,
      });
    assert.equal((await tokenOf(basic(`anybody:${viewer}x`))).status, 401);
    const bearer = async (headers: Readonly<Record<string, string>>) => {
      const { token } = JSON.parse((await tokenOf(headers)).body);
      return { authorization: `Bearer ${token}` };
    };
    assert.equal((await withHeaders(await bearer({}))).status, 401);
    const given = await bearer(basic(`anybody:${viewer}`));
    assert.equal((await withHeaders(given)).status, 200);
    assert.equal((await withHeaders(await bearer(given))).status, 401, "an hour is not made longer");
    const elsewhere = { ...(await bearer(basic(`x:${running.adminToken}`))) };
    const jobs = "/selvedge.v1.OperatorService/ListJobs";
    assert.equal(
      (await ask(jobs, { method: "POST", body: "{}", contentType: "application/json" })).status,
      200,
    );
    const refused = {
      method: "POST",
      body: "{}",
      contentType: "application/json",
      token: "",
      headers: elsewhere,
    };
    assert.equal((await ask(jobs, refused)).status, 401);
    const { current } = await running.enrol();
    const device = { method: "GET", url: running.coordinator.url, ca: running.ca, tls: current };
    assert.equal((await probeHttp({ ...device, path: "/v2/digits/manifests/latest" })).status, 200);
  });

  test("[OC3] a manifest is taken when its parts are there, and recorded", async () => {
    const bytes = Buffer.from("layer");
    const config = ociDocument(mediaTypes.empty, {});
    const layer = { mediaType: "text/plain", digest: digestOf(bytes), size: bytes.length };
    const { descriptor } = config;
    const artifact = ociDocument(mediaTypes.manifest, {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: descriptor,
      layers: [layer],
    });
    const put = () => client.putManifest("tools/x", "1", artifact);
    await assert.rejects(put(), { message: /404: this part is not in the repository/ });
    for (const [content, digest] of [
      [bytes, layer.digest],
      [config.bytes, descriptor.digest],
    ] as const) {
      await client.pushBlob("tools/x", {
        digest,
        length: content.length,
        async *stream() {
          yield content;
        },
      });
    }
    await put();
    assert.equal((await client.manifest("tools/x", "1")).descriptor.digest, artifact.descriptor.digest);
    const { lines } = await running.admin.listAudit({});
    assert.ok(lines.some((line) => line.includes("push-image") && line.includes("tools/x:1")));
  });

  test("[OC3] a blob comes in parts that follow one another, and is what its digest says", async () => {
    const post = await ask("/v2/tools/y/blobs/uploads/", { method: "POST" });
    assert.equal(post.status, 202);
    const location = String(post.headers.location);
    const patch = (body: string, range: string) =>
      ask(location, { method: "PATCH", body, headers: { "content-range": range } });
    assert.equal((await patch("abc", "0-2")).headers.range, "0-2");
    assert.equal((await patch("xyz", "5-7")).status, 416);
    assert.equal((await patch("def", "3-5")).headers.range, "0-5");
    assert.equal((await ask(location)).headers.range, "0-5");
    const digest = digestOf(Buffer.from("abcdefghi"));
    const done = await ask(`${location}?digest=${digest}`, { method: "PUT", body: "ghi" });
    assert.deepEqual([done.status, done.headers["docker-content-digest"]], [201, digest]);
    assert.equal((await ask(`/v2/tools/y/blobs/${digest}`)).body, "abcdefghi");
    const again = await ask(`${location}?digest=${digest}`, { method: "PUT" });
    assert.equal(JSON.parse(again.body).errors[0].code, "BLOB_UPLOAD_UNKNOWN");
    const wrong = await ask(`/v2/tools/y/blobs/uploads/?digest=${digest}`, { method: "POST", body: "other" });
    assert.equal(JSON.parse(wrong.body).errors[0].code, "DIGEST_INVALID");
    const mounted = await ask(`/v2/tools/z/blobs/uploads/?mount=${digest}&from=tools/y`, { method: "POST" });
    assert.equal(mounted.status, 201);
    assert.equal((await ask(`/v2/tools/z/blobs/${digest}`)).body, "abcdefghi");
  });

  test("[OC4] a repository gives out what its manifests consist of, and nothing else the coordinator has", async () => {
    assert.equal((await ask(`/v1/blobs/${digestOf(model)}`)).body, model.toString());
    assert.equal((await ask(`/v2/digits/blobs/${digestOf(model)}`)).status, 404);
    const { layers } = await firstManifest();
    assert.equal((await ask(`/v2/tools/x/blobs/${layers[0].digest}`)).status, 404);
  });

  test("[OC5] a release is an image for each architecture of the runtime, under its version and latest", async () => {
    const index = await json("/v2/digits/manifests/1");
    assert.equal(index.annotations["org.opencontainers.image.base.digest"], runtime.descriptor.digest);
    assert.deepEqual(
      index.manifests.map(({ platform }: { platform: object }) => platform),
      [
        { architecture: "amd64", os: "linux" },
        { architecture: "arm64", os: "linux" },
      ],
    );
    for (const { digest } of index.manifests) {
      const { config, layers } = await json(`/v2/digits/manifests/${digest}`);
      const configuration = await json(`/v2/digits/blobs/${config.digest}`);
      assert.deepEqual(configuration.config.Entrypoint, ["/node"]);
      assert.equal(layers.length, 2);
      assert.equal(configuration.rootfs.diff_ids[1], layers[1].digest);
      const tar = (await ask(`/v2/digits/blobs/${layers[1].digest}`)).body;
      assert.match(tar, /models\/digits\/1\/model\.onnx/);
      assert.ok(tar.includes(model.toString()));
    }
  });

  test("[OC5] the newest release is latest, and the versions before stay what they were", async () => {
    const before = (await ask("/v2/digits/manifests/1")).body;
    await releaseModel(running, "digits", Buffer.from("a better one"));
    const latest = (await ask("/v2/digits/manifests/latest")).body;
    assert.equal(latest, (await ask("/v2/digits/manifests/2")).body);
    assert.equal(before, (await ask("/v2/digits/manifests/1")).body);
    assert.notEqual(latest, before);
  });

  test("[OC6] an image stays on the runtime it was made on, also when there is a newer one and after a restart", async () => {
    await releaseModel(running, "motes", Buffer.from("a model of motes"));
    const before = (await ask("/v2/motes/manifests/1")).body;
    await pushRuntime(client, "a newer node");
    assert.equal((await ask("/v2/motes/manifests/1")).body, before);
    running = await running.restart();
    client = registryClientOf(running);
    assert.equal((await ask("/v2/motes/manifests/1")).body, before);
    const { digest } = JSON.parse(before).manifests[0];
    const { config, layers } = await json(`/v2/motes/manifests/${digest}`);
    for (const one of [config, ...layers]) {
      const { status, body } = await ask(`/v2/motes/blobs/${one.digest}`, { method: "HEAD" });
      assert.deepEqual([status, body], [200, ""]);
    }
  });

  test("[OC7] the model alone is a ModelPack, whose layer is that of the image", async () => {
    const pack = await json("/v2/digits/manifests/1-modelpack");
    assert.equal(pack.artifactType, "application/vnd.cncf.model.manifest.v1+json");
    assert.equal(pack.layers[0].mediaType, "application/vnd.cncf.model.weight.v1.tar");
    assert.equal(pack.layers[0].digest, (await firstManifest()).layers.at(-1).digest);
    const config = await json(`/v2/digits/blobs/${pack.config.digest}`);
    assert.deepEqual(config.config, { format: "onnx" });
    assert.deepEqual(config.modelfs.diffIds, [pack.layers[0].digest]);
  });

  test("[OC9] tags of a model's repository are for releases; signatures and what refers to an image may be added", async () => {
    const index = await client.manifest("digits", "latest");
    for (const tag of ["1", "latest", "99", "1-modelpack"])
      await assert.rejects(client.putManifest("digits", tag, index), { code: "permission_denied" });
    await client.putManifest("digits", `sha256-${"a".repeat(64)}.sig`, index);
    const config = ociDocument(mediaTypes.empty, {});
    await client.pushBlob("digits", {
      digest: config.descriptor.digest,
      length: config.bytes.length,
      async *stream() {
        yield config.bytes;
      },
    });
    const artifact = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: config.descriptor,
      layers: [],
    };
    const alone = ociDocument(mediaTypes.manifest, artifact);
    await assert.rejects(client.putManifest("digits", alone.descriptor.digest, alone), {
      code: "permission_denied",
    });
    const referring = ociDocument(mediaTypes.manifest, { ...artifact, subject: index.descriptor });
    const { digest } = referring.descriptor;
    await client.putManifest("digits", digest, referring);
    const { manifests } = await json(`/v2/digits/referrers/${index.descriptor.digest}`);
    assert.ok(manifests.some((one: { digest: string }) => one.digest === digest));
  });

  test("[OC11] what is public anyone pulls, and only that, until it is private again", async () => {
    const images = createClient(ImageService, running.connect({ token: running.adminToken }).transport);
    const anonymous = async (path: string): Promise<number> =>
      (await probeHttp({ method: "GET", path, url: running.coordinator.url, ca: running.ca })).status;
    await images.setImageAccess({ model: "digits", public: true });
    const { digest, public: isPublic } = await images.getImage({ model: "digits", version: 1n });
    assert.ok(isPublic);
    assert.equal(await anonymous(`/v2/digits/manifests/${digest}`), 200);
    for (const path of ["/v2/", "/v2/selvedge/runtime/tags/list", "/v2/motes/tags/list"])
      assert.equal(await anonymous(path), 401, path);
    const viewer = await running.createOperator("viewer", "onlooker");
    const others = createClient(ImageService, running.connect({ token: viewer }).transport);
    await assert.rejects(others.setImageAccess({ model: "motes", public: true }), {
      code: "permission_denied",
    });
    running = await running.restart();
    client = registryClientOf(running);
    assert.equal(await anonymous(`/v2/digits/manifests/${digest}`), 200);
    const again = createClient(ImageService, running.connect({ token: running.adminToken }).transport);
    await again.setImageAccess({ model: "digits", public: false });
    assert.equal(await anonymous(`/v2/digits/manifests/${digest}`), 401);
  });

  async function firstManifest() {
    const index = await json("/v2/digits/manifests/1");
    return await json(`/v2/digits/manifests/${index.manifests[0].digest}`);
  }
});
