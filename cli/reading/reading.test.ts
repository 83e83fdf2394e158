import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { keyPair } from "../../test/fakes/certificates.ts";
import { ALICE, backendManifest, keysManifest, proxyManifest } from "../../test/fakes/manifests.ts";
import { temporaryFolder } from "../../test/fakes/program.ts";
import { ManifestReader } from "./reading.ts";

const store = `store:
  address: valkey:6379
  tls: { caSecretName: valkey-ca }
  credentialsSecretName: valkey-login
  whenUnavailable: Refuse`;

const loginManifest = (password: string): string => `apiVersion: v1
kind: Secret
metadata: { name: valkey-login, namespace: demo, labels: { wsproxy.dev/use: "true" } }
type: kubernetes.io/basic-auth
stringData: { password: ${password} }
`;

test("a store of standalone has the values of the Secrets in the folder, and takes a changed password", async () => {
  const folder = await temporaryFolder();
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  const { certificate } = await keyPair();
  const ca = { apiVersion: "v1", kind: "Secret", metadata: { name: "valkey-ca", namespace: "demo" } };
  await write("proxy.yaml", proxyManifest({ spec: store, policies: "connections: [{ per: Client, limit: 5 }]" }));
  await write("rest.yaml", `${keysManifest({ alice: ALICE })}---\n${backendManifest(9000)}`);
  await write("ca.json", JSON.stringify({ ...ca, stringData: { "ca.crt": certificate } }));
  await write("login.yaml", loginManifest("first"));

  const reader = new ManifestReader([folder]);
  const inForce = new Map<string, string>();
  const read = async (): Promise<{ config: Config; problems: string[] }> => {
    const { proxies, findings } = await reader.read({ inForce, takenPort: undefined });
    const { text, hash } = proxies[0]?.config ?? { text: "", hash: "" };
    inForce.set("demo/chat", hash);
    return { config: JSON.parse(text) as Config, problems: findings.map(({ field = "" }) => field) };
  };
  const first = await read();
  expect([first.config.store, first.problems]).toEqual([
    {
      address: "valkey:6379",
      tls: { serverName: "valkey", caSecretName: "valkey-ca", ca: certificate },
      credentialsSecretName: "valkey-login",
      credentials: { username: "", password: "first" },
      whenUnavailable: "Refuse",
      resolved: true,
    },
    [],
  ]);
  await write("login.yaml", loginManifest("second"));
  expect((await read()).config.store?.credentials?.password).toBe("second");
  await rm(join(folder, "login.yaml"));
  const lost = await read();
  expect([lost.config.store?.credentials?.password, lost.problems]).toEqual([
    "second",
    ["spec.store.credentialsSecretName"],
  ]);
});
