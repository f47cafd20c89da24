import type { Digest } from "@selvedge/protocol";
import type { Descriptor, OciDocument } from "./descriptor.ts";
import type { ImageSource, ImageTarget } from "./oci-layout.ts";
import type { RegistryClient } from "./registry-client.ts";

/** One repository of a registry, to copy from and to. */
export class RemoteRepository implements ImageSource, ImageTarget {
  readonly #client: RegistryClient;
  readonly #name: string;

  constructor(client: RegistryClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  manifest(reference: string): Promise<OciDocument> {
    return this.#client.manifest(this.#name, reference);
  }

  blob(digest: Digest): AsyncIterable<Uint8Array> {
    return this.#client.blob(this.#name, digest);
  }

  async putBlob({ digest, size }: Descriptor, stream: () => AsyncIterable<Uint8Array>): Promise<void> {
    await this.#client.pushBlob(this.#name, { digest, length: size, stream });
  }

  async putManifest(document: OciDocument, tag: string | undefined): Promise<void> {
    await this.#client.putManifest(this.#name, tag ?? document.descriptor.digest, document);
  }
}
