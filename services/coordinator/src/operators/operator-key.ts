import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { type KeyFolder, openKeyFolder } from "../identity/key-folder.ts";

/** Keys that belong to the operator: after the first start the coordinator does not read them. */
export const operatorKeyFolder = "operator";

const privateName = "operator.key";
const publicName = "operator.pub";

/**
 * The public key of the operator whose plans this fleet runs (Ed25519). The
 * first start makes the pair; from then on only the public half is read, so
 * the private one may be moved to where plans are signed.
 *
 * @param folder the coordinator's folder.
 * @param keys the coordinator's own keys.
 */
export async function openOperatorKey(folder: string, keys: KeyFolder): Promise<KeyObject> {
  const known = await keys.read(publicName);
  if (known !== undefined) return createPublicKey(known);
  const operator = await openKeyFolder(join(folder, operatorKeyFolder));
  const publicKey = createPublicKey(await openPrivateKey(operator));
  await keys.write(publicName, publicKey.export({ type: "spki", format: "pem" }).toString());
  return publicKey;
}

/** Stored before it is used, so that a start that broke off goes on with the same key. */
async function openPrivateKey(folder: KeyFolder): Promise<KeyObject> {
  const pem = await folder.read(privateName);
  if (pem !== undefined) return createPrivateKey(pem);
  const { privateKey } = generateKeyPairSync("ed25519");
  await folder.write(privateName, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  return privateKey;
}
