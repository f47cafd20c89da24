import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** Debian packages that these tests use, by a program of each. */
const programs: Readonly<Record<string, string>> = {
  podman: "podman",
  runc: "runc",
  iptables: "iptables",
  skopeo: "skopeo",
};

/** Why they cannot run here; false when they can. */
export function whyNot(): string | false {
  const missing = Object.keys(programs).filter(
    (program) => spawnSync(program, ["--version"]).error !== undefined,
  );
  if (missing.length > 0) return `not installed: ${missing.join(", ")} (Debian packages of these names)`;
  return process.getuid?.() === 0 ? false : "Podman is run as root here";
}

/** Podman with images, containers and trust of its own. */
export class PodmanHome {
  readonly certsFolder: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(folder: string) {
    const home = join(folder, "home");
    this.certsFolder = join(home, ".config/containers/certs.d");
    mkdirSync(this.certsFolder, { recursive: true });
    const storage = join(folder, "storage.conf");
    const containers = join(folder, "containers.conf");
    writeFileSync(
      storage,
      `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/images"\nrunroot = "${folder}/run"\n`,
    );
    // crun refuses a machine whose cgroups are of both kinds, and limits above the caller's cannot be set.
    writeFileSync(
      containers,
      '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n',
    );
    this.#env = { ...process.env, HOME: home, CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: containers };
  }

  /** What a shell prints for a line; throws what execFile throws, with `stderr`. */
  async shell(line: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const options = { env: { ...this.#env, ...env }, maxBuffer: 16 * 1_048_576 };
    return (await promisify(execFile)("bash", ["-c", line], options)).stdout;
  }

  /** Ends its containers and removes its images. */
  async clear(): Promise<void> {
    await this.shell("podman rm --all --force --time 0; podman rmi --all --force; true");
  }
}
