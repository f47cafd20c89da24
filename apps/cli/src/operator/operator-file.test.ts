import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { createTerminal } from "../terminal.fixture.ts";
import { operatorFilePath, readOperatorFile, readOperatorKey } from "./operator-file.ts";

const content = {
  url: "https://fleet.test:7443",
  ca: "PEM",
  token: "svo1.x",
  operatorKey: "keys/o.key",
  releaseKey: "/r.key",
};

suite("an operator's file", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function write(value: unknown, mode = 0o600): Promise<string> {
    const path = join(folder, "operator.json");
    await writeFile(path, typeof value === "string" ? value : JSON.stringify(value));
    await chmod(path, mode);
    return path;
  }

  test("names its keys relative to itself", async () => {
    const file = await readOperatorFile(await write(content));
    assert.deepEqual([file.operatorKeyPath, file.releaseKeyPath], [join(folder, "keys/o.key"), "/r.key"]);
    assert.equal(file.url, content.url);
  });

  test("that others can read is refused, for it holds a secret", async () => {
    await assert.rejects(
      readOperatorFile(await write(content, 0o640)),
      refusal("permission_denied", /chmod 600/),
    );
  });

  test("that is damaged is refused with the field", async () => {
    await assert.rejects(readOperatorFile(await write("{")), refusal("invalid_argument", /selvedge up/));
    await assert.rejects(readOperatorFile(await write("null")), refusal("invalid_argument", /selvedge up/));
    await assert.rejects(readOperatorFile(await write({ ...content, token: 7 })), /it has no "token"/);
    await assert.rejects(
      readOperatorFile(await write({ ...content, url: "http://fleet.test" })),
      /no https URL/,
    );
    await assert.rejects(readOperatorKey(await write("no key")), /not a private key/);
  });

  test("that is missing is explained", async () => {
    await assert.rejects(readOperatorFile(join(folder, "none.json")), refusal("not_found", /--operator/));
  });

  test("is where the options say, else where the login is, else where the coordinator would be", async () => {
    const { terminal } = createTerminal({ workingFolder: "/w", env: { SELVEDGE_STATE: "/s" } });
    assert.equal(operatorFilePath(terminal, {}), "/s/operator.json");
    assert.equal(operatorFilePath(terminal, { state: "c" }), "/w/c/operator.json");
    assert.equal(operatorFilePath(terminal, { state: "c", operator: "me.json" }), "/w/me.json");
    const config = { XDG_CONFIG_HOME: folder };
    const { terminal: stranger } = createTerminal({ env: config });
    assert.equal(
      operatorFilePath(stranger, {}),
      "/home/someone/.local/state/selvedge/coordinator/operator.json",
    );
    await mkdir(join(folder, "selvedge"));
    await writeFile(join(folder, "selvedge/operator.json"), "{}");
    assert.equal(operatorFilePath(stranger, {}), join(folder, "selvedge/operator.json"));
    const { terminal: both } = createTerminal({ env: { ...config, SELVEDGE_STATE: "/s" } });
    assert.equal(operatorFilePath(both, {}), "/s/operator.json");
    assert.equal(operatorFilePath(stranger, { state: "/c" }), "/c/operator.json");
  });
});

function refusal(code: string, fix: RegExp): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof SelvedgeError && thrown.code === code && fix.test(thrown.fix ?? "");
}
