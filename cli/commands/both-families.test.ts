import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { FakeApiServer } from "../../test/fakes/api-server.ts";
import { WsBackend } from "../../test/fakes/backends.ts";
import { WsClient } from "../../test/fakes/clients.ts";
import { configOf, endpointsOf } from "../../test/fakes/config.ts";
import { ipv6 } from "../../test/fakes/ipv6.ts";
import { ALICE, backendManifest, keysManifest, proxyManifest } from "../../test/fakes/manifests.ts";
import { Mount } from "../../test/fakes/mount.ts";
import { freePort, Program, temporaryFolder } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";

async function backend(host?: string): Promise<WsBackend> {
  const server = await new WsBackend().open(host);
  onTestFinished(() => server.close());
  return server;
}

const HOSTS = ["127.0.0.1", "[::1]"];

describe.skipIf(!ipv6)("on a machine with IPv6", () => {
  test("a data plane that is told nothing takes clients and probes over either family, and logs so", async () => {
    const [mount, { port: backendPort }] = [await Mount.create(), await backend()];
    const [port, adminPort] = [await freePort(), await freePort()];
    await mount.publish({
      "config.json": JSON.stringify(configOf({ port })),
      "endpoints.json": JSON.stringify(endpointsOf([backendPort])),
    });
    const program = new Program(["dataplane", "--config", mount.folder, "--admin-port", String(adminPort)]);
    expect(await program.logs("admin port open")).toMatchObject({ address: "::", port: adminPort });
    expect(await program.logs("config applied")).toMatchObject({ address: "::", port });
    for (const host of HOSTS) {
      expect((await fetch(`http://${host}:${adminPort}/readyz`)).status).toBe(200);
      const client = await WsClient.open(`ws://${host}:${port}/`);
      client.socket.send("through");
      expect(await client.message()).toBe("through");
    }
    const opened = (): unknown[] => program.lines("session opened").map(({ address }) => address);
    await until("both sessions are logged", () => opened().length === 2);
    expect(opened()).toEqual(["127.0.0.1", "::1"]);
  });

  test("an operator that is told nothing is probed over either family", async () => {
    const server = await FakeApiServer.start();
    const kubeconfig = join(await temporaryFolder(), "kubeconfig");
    await writeFile(kubeconfig, server.kubeConfig().exportConfig());
    const adminPort = await freePort();
    const where = ["--kubeconfig", kubeconfig, "--namespace", "a", "--admin-port", String(adminPort)];
    const program = new Program(["operator", "--dataplane-image", "a", ...where]);
    expect(await program.logs("operator started")).toMatchObject({ adminAddress: "::", adminPort });
    for (const host of HOSTS) expect((await fetch(`http://${host}:${adminPort}/healthz`)).status).toBe(200);
  });

  test("standalone serves at ::1 what is behind ::1, and connect gets there", async () => {
    const folder = await temporaryFolder();
    const [port, adminPort, { port: backendPort }] = [await freePort(), await freePort(), await backend("::1")];
    const slice = backendManifest(backendPort).replace("IPv4", "IPv6").replace("127.0.0.1", '"::1"');
    const files = {
      "proxy.yaml": proxyManifest({ port }),
      "keys.yaml": keysManifest({ alice: ALICE }),
      "backend.yaml": slice,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const where = ["--address", "::1", "--admin-address", `[::1]:${adminPort}`];
    const gateway = new Program(["standalone", "-f", folder, ...where]);
    await gateway.says(`gateway  ws://[::1]:${port}  demo/chat\nadmin    http://[::1]:${adminPort}/metrics\n`);

    const client = new Program(["connect", `ws://[::1]:${port}/`, "--key", ALICE, "--wait", "300ms"]);
    client.write("hello\n");
    await client.says("connected");
    await gateway.says(`sessions http://[::1]:${adminPort}/sessions#token=`);
    const headers = { authorization: `Bearer ${/#token=(\S+)/.exec(gateway.stderr)?.[1]}` };
    const sessions: unknown = await (await fetch(`http://[::1]:${adminPort}/sessions`, { headers })).json();
    expect(sessions).toMatchObject({ sessions: [{ client: "alice", address: "::1" }] });
    client.endInput();
    expect([await client.exit(), client.stdout]).toEqual([0, "hello\n"]);
    expect(await gateway.logs("session opened")).toMatchObject({ endpoint: `[::1]:${backendPort}` });
    await expect(fetch(`http://127.0.0.1:${adminPort}/healthz`)).rejects.toThrow("fetch failed");
  });

  test("the sample backend answers at ::1, and its page may ask a gateway there", async () => {
    const gateway = await backend("::1");
    const where = ["--address", "[::1]", "--port", "0", "--gateway", `ws://[::1]:${gateway.port}/chat`];
    const program = new Program(["sample-backend", "--name", "pod-6", ...where]);
    await program.says(/http:\/\/\[::1\]:\d+\/\n/);
    const [, url = ""] = /(http:\S+)\/\n/.exec(program.stderr) ?? [];
    const client = await WsClient.open(`${url.replace("http", "ws")}/name`);
    expect(await client.message()).toBe("pod-6");
    const answer = await fetch(`${url}/probe`, {
      method: "POST",
      headers: { origin: url, "content-type": "application/json" },
      body: JSON.stringify({ target: "/chat", protocols: [] }),
    });
    expect([answer.status, await answer.json()]).toEqual([200, { status: 101 }]);
    client.socket.close();
  });
});
