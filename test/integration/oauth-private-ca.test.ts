import "reflect-metadata";
import { execFile } from "node:child_process";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as x509 from "@peculiar/x509";
import { afterAll, beforeAll, expect, test } from "vitest";

/** An identity provider behind a private CA: Node reads NODE_EXTRA_CA_CERTS at its start, so each case is a process. */

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const modules = new URL("../../dataplane/auth/guarded-fetch.ts", import.meta.url).href;
const clocks = new URL("../../runtime/clock.ts", import.meta.url).href;

let folder: string;
let server: Server;

beforeAll(async () => {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const generate = async (): Promise<CryptoKeyPair> =>
    (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as unknown as CryptoKeyPair;
  const [authorityKeys, serverKeys] = [await generate(), await generate()];
  const dates = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates,
    name: "CN=CA of the house",
    keys: authorityKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    ...dates,
    subject: "CN=localhost",
    issuer: authority.subject,
    publicKey: serverKeys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "localhost" }])],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", serverKeys.privateKey);
  const key = x509.PemConverter.encode(pkcs8, "PRIVATE KEY");
  server = createServer({ cert: certificate.toString("pem"), key }, (_, response) => void response.end('{"keys":[]}'));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  folder = await mkdtemp(join(tmpdir(), "wsproxy-ca-"));
  await writeFile(join(folder, "ca.pem"), authority.toString("pem"));
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** What a process with this environment gets for its question. */
async function ask(environment: Record<string, string>): Promise<string> {
  const url = `https://localhost:${(server.address() as AddressInfo).port}/keys`;
  const script = `
    const { guardedFetch } = await import(${JSON.stringify(modules)});
    const { systemClock } = await import(${JSON.stringify(clocks)});
    const keep = setTimeout(() => {}, 10_000);
    const outcome = await guardedFetch(systemClock)({ url: ${JSON.stringify(url)}, allowHttp: true }).catch(String);
    clearTimeout(keep);
    console.log(typeof outcome === "string" ? outcome : outcome.status + " " + outcome.body);
  `;
  const env = { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1", ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { env });
  return stdout.trim();
}

test("a provider behind a private CA is trusted only where NODE_EXTRA_CA_CERTS names that CA", async () => {
  expect(await ask({})).toBe("FetchFault: UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(await ask({ NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") })).toBe('200 {"keys":[]}');
});

test("no environment variable turns verification off", async () => {
  expect(await ask({ NODE_TLS_REJECT_UNAUTHORIZED: "0" })).toBe("FetchFault: UNABLE_TO_VERIFY_LEAF_SIGNATURE");
});
