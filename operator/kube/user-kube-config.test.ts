import { chmod, writeFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { stringify } from "yaml";
import { systemClock } from "../../runtime/clock.ts";
import { FakeApiServer } from "../../test/fakes/api-server.ts";
import { temporaryFolder } from "../../test/fakes/program.ts";
import { KubeClient } from "./client.ts";
import { contextNamespace, userKubeConfig } from "./user-kube-config.ts";

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
}

/** A kubeconfig with two contexts, of which the second is the current one. */
async function kubeconfigOf(
  api: FakeApiServer,
  { cluster = {}, user = { token: "one" } }: Parts = {},
): Promise<string> {
  const file = join(await temporaryFolder(), "config");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "fake", cluster: { server: `${api.url}/`, "insecure-skip-tls-verify": true, ...cluster } }],
    users: [
      { name: "tester", user },
      { name: "other", user: { token: "two" } },
    ],
    contexts: [
      { name: "far", context: { cluster: "fake", user: "other", namespace: "far-away" } },
      { name: "here", context: { cluster: "fake", user: "tester" } },
    ],
    "current-context": "here",
  };
  await writeFile(file, stringify(config));
  return file;
}

/** The credential with which a call arrives. */
async function credentialOf(api: FakeApiServer, kubeconfig: string, context?: string): Promise<string | undefined> {
  const config = await userKubeConfig({ kubeconfig, context });
  const client = new KubeClient(config, systemClock, "wsproxy-cli");
  onTestFinished(() => client.close());
  await client.request({ path: "/api/v1/namespaces/demo/pods" });
  expect(api.calls.at(-1)?.headers["user-agent"]).toBe("wsproxy-cli");
  return api.calls.at(-1)?.headers.authorization;
}

test("the current context counts, and --context names another one, with its namespace and user", async () => {
  const api = await FakeApiServer.start();
  const kubeconfig = await kubeconfigOf(api);
  expect(await credentialOf(api, kubeconfig)).toBe("Bearer one");
  expect(await credentialOf(api, kubeconfig, "far")).toBe("Bearer two");
  expect(contextNamespace(await userKubeConfig({ kubeconfig, context: undefined }))).toBe("default");
  expect(contextNamespace(await userKubeConfig({ kubeconfig, context: "far" }))).toBe("far-away");
});

test("an exec plugin gives the credential", async () => {
  const api = await FakeApiServer.start();
  const plugin = join(await temporaryFolder(), "login");
  const credential = {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: { token: "of-plugin" },
  };
  await writeFile(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
  await chmod(plugin, 0o755);
  const exec = { apiVersion: "client.authentication.k8s.io/v1", command: plugin, interactiveMode: "Never" };
  expect(await credentialOf(api, await kubeconfigOf(api, { user: { exec } }))).toBe("Bearer of-plugin");
});

test("a proxy of the kubeconfig is on the way", async () => {
  const api = await FakeApiServer.start();
  const seen: string[] = [];
  const proxy = createServer((incoming, response) => {
    seen.push(incoming.url ?? "");
    const { method = "GET", headers } = incoming;
    const path = URL.parse(incoming.url ?? "")?.pathname ?? incoming.url;
    const onward = request(api.url, { method, headers, path }, (answer: IncomingMessage) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  proxy.on("connect", (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url}`);
    const [host = "", port = ""] = (incoming.url ?? "").split(":");
    const onward = connect(Number(port), host, () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    for (const end of [onward, socket]) end.on("error", () => {});
    onward.pipe(socket).pipe(onward);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const kubeconfig = await kubeconfigOf(api, { cluster: { "proxy-url": `http://127.0.0.1:${port}` } });
  expect(await credentialOf(api, kubeconfig)).toBe("Bearer one");
  expect(seen).toHaveLength(1);
});

test("what cannot be used is told without a word of the file", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "config");
  for (const text of ["token: s3cret: [", "s3cret", "{}", "clusters: 7"]) {
    await writeFile(file, text);
    const failing = userKubeConfig({ kubeconfig: file, context: undefined });
    await expect(failing).rejects.toThrow(/^--kubeconfig \S+ (cannot be read|has no current context)/);
    await expect(failing).rejects.not.toThrow("s3cret");
  }
  await expect(userKubeConfig({ kubeconfig: join(folder, "none"), context: undefined })).rejects.toThrow(
    "does not exist",
  );
});
