import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { stringify } from "yaml";
import { WsBackend } from "../fakes/backends.ts";
import { WsClient } from "../fakes/clients.ts";
import { deniedAddress, largeClient, largeKey } from "../fakes/large-config.ts";
import { backendManifest } from "../fakes/manifests.ts";
import { ProbedProgram } from "../fakes/probed-program.ts";
import { freePort, temporaryFolder } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";

// The most that one proxy is held to, from manifests: 1,000 routes, 10,000 denied addresses, 10,000 keys in ten Secrets.

const TRIES = 4;
const of = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const secret = (n: number): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: `keys-${n}`, namespace: "demo", labels: { keys: "chat" } },
  stringData: Object.fromEntries(of(1000).map((k) => [largeClient(n * 1000 + k), largeKey(n * 1000 + k)])),
});

const proxy = (port: number, limit: number): object => ({
  apiVersion: "wsproxy.dev/v1alpha1",
  kind: "WebSocketProxy",
  metadata: { name: "chat", namespace: "demo" },
  spec: {
    listener: { port },
    policies: {
      deny: { addresses: of(10_000).map(deniedAddress) },
      authentication: { apiKey: { secretSelector: { matchLabels: { keys: "chat" } } } },
      attempts: ["Client", "IP", "Route", "Proxy"].map((per) => ({ per, limit, interval: "1s" })),
    },
    routes: of(1000).map((n) => ({
      name: `route-${n}`,
      ...(n === 0 ? {} : { hostnames: [`route-${n}.test`] }),
      backends: [{ service: "echo", port: 80 }],
    })),
  },
});

test("an edit of 1,000 routes and 10,000 keys does not hold up the sessions for 50 ms", async () => {
  const backend = await new WsBackend().open();
  onTestFinished(() => backend.close());
  const [folder, port] = [await temporaryFolder(), await freePort()];
  const edit = (limit: number): Promise<void> => writeFile(join(folder, "proxy.yaml"), stringify(proxy(port, limit)));
  await edit(1000);
  await writeFile(
    join(folder, "keys.yaml"),
    of(10)
      .map((n) => stringify(secret(n)))
      .join("---\n"),
  );
  await writeFile(join(folder, "echo.yaml"), backendManifest(backend.port));
  const program = new ProbedProgram(["standalone", "-f", folder, "--admin-port", "0"]);
  onTestFinished(() => program.close());
  await program.logs("config applied", async () => {});
  const client = await WsClient.open(`ws://127.0.0.1:${port}/`, [], { headers: { "x-api-key": largeKey(9999) } });
  const longest: number[] = [];
  for (const turn of of(TRIES)) {
    await program.probe("reset");
    await program.logs("config applied", () => edit(2000 + turn));
    longest.push((await program.probe()).longest);
  }
  expect(Math.min(...longest)).toBeLessThan(50);
  client.socket.send("still here");
  await until("the echo", () => client.messages.length > 0);
}, 90_000);
