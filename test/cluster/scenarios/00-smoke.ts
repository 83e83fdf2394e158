import assert from "node:assert/strict";
import type { V1Pod, V1Service } from "@kubernetes/client-node";
import type { Endpoints } from "../../../api/config.ts";
import { apiKey, keyOf } from "../../fakes/api-keys.ts";
import { configOf } from "../../fakes/config.ts";
import { RawSocket } from "../raw.ts";
import { scenario } from "../scenario.ts";
import { ours, sampleBackend } from "../workloads.ts";

const NAME = "gateway";

/** A data plane without an operator: what is mounted is what it serves. */
function gateway(endpoints: Endpoints): [object, V1Pod, V1Service] {
  const labels = { app: NAME };
  const config = configOf({
    name: "smoke",
    drainPeriod: "1s",
    routes: [{ policies: { authentication: { require: "All", apiKey: apiKey(["alice"]) } } }],
  });
  const folder = "/etc/wsproxy/config";
  const args = ["dataplane", "--config", folder, "--shutdown-delay", "1s"];
  const container = {
    ...ours("dataplane", 8080, ...args),
    readinessProbe: { httpGet: { path: "/readyz", port: 9090 }, periodSeconds: 1 },
    volumeMounts: [{ name: "config", mountPath: folder, readOnly: true }],
  };
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: NAME },
      stringData: { "config.json": JSON.stringify(config), "endpoints.json": JSON.stringify(endpoints) },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: NAME, labels },
      spec: {
        automountServiceAccountToken: false,
        containers: [container],
        volumes: [{ name: "config", secret: { secretName: NAME } }],
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: NAME },
      spec: { selector: labels, ports: [{ port: 80, targetPort: "ws" }] },
    },
  ];
}

export default scenario(
  "the cluster, the image and the clients work: a data plane without an operator",
  async (cluster, report) => {
    const { ledger, image } = cluster;

    await report.step("the image is small, runs as an unprivileged user and starts no shell", () => {
      const { size, ownSize, user, entrypoint } = image.facts;
      assert.match(user, /^[1-9]\d*:[1-9]\d*$/);
      assert.deepEqual([entrypoint[0], entrypoint.at(-1)], ["node", "/app/wsproxy.js"]);
      assert.ok(size < 300e6, `${size} bytes`);
      assert.ok(ownSize < 10e6, `${ownSize} bytes on top of its base`);
      return Promise.resolve();
    });

    const namespace = await cluster.namespace("smoke");
    await report.step("three sample backends start, with nothing to write to and no shell", async () => {
      await cluster.apply(namespace, ...sampleBackend());
      await cluster.rolledOut(namespace, "sample-backend");
    });

    const backends = await cluster.pods(namespace, "app=sample-backend");
    const url = await report.step("a data plane serves the config that is mounted", async () => {
      const addresses = backends.map(({ status }) => ({
        address: status?.podIP ?? "",
        port: 9000,
        state: "Ready" as const,
      }));
      await cluster.apply(namespace, ...gateway({ version: 1, backends: { "echo:80": addresses } }));
      await cluster.kubectl("-n", namespace, "wait", "--for=condition=Ready", `pod/${NAME}`, "--timeout=120s");
      return `ws://${await cluster.address(namespace, NAME)}`;
    });

    await report.step("sessions through its Service reach every backend, and messages come back in order", async () => {
      const names = new Set<string | undefined>();
      for (const as of ["a", "b", "c"]) {
        const session = await ledger.open(`${url}/name`, {
          as,
          greetings: 1,
          headers: { "x-api-key": keyOf("alice") },
        });
        names.add(await session.message());
        assert.equal(session.entry.backend, await session.message());
        for (let count = 1; count <= 100; count += 1) session.send(`message ${count}`);
        await session.message(101);
        assert.deepEqual(
          session.entry.received.slice(1).map(({ text }) => text),
          session.entry.sent.map(({ text }) => text),
        );
      }
      assert.deepEqual(names, new Set(backends.map(({ metadata }) => metadata?.name)));
    });

    await report.step("without a key there is a refusal, also byte by byte at the pod's own address", async () => {
      assert.equal(await ledger.dial(url, { as: "no client" }).refused(), "401 CredentialMissing");
      const [pod] = await cluster.pods(namespace, `app=${NAME}`);
      const address = pod?.status?.podIP ?? "";
      const refused = await RawSocket.handshake(address, 8080);
      assert.match(await refused.head(), /^HTTP\/1\.1 401 /);
      const accepted = await RawSocket.handshake(address, 8080, { headers: { "x-api-key": keyOf("alice") } });
      assert.match(await accepted.head(), /^HTTP\/1\.1 101 [^]*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i); // RFC 6455 §1.3
      accepted.socket.destroy();
      const metrics = async (): Promise<string> => (await fetch(`http://${address}:9090/metrics`)).text();
      await cluster.until("the three that are left are counted", async () =>
        /^wsproxy_connections\{.*\} 3$/m.test(await metrics()),
      );
    });

    await report.step("a pod that stops says 1012 to every session", async () => {
      await cluster.kubectl("-n", namespace, "delete", "pod", NAME, "--wait=false");
      for (const session of ledger.live) {
        const { code, text } = await session.ended();
        assert.deepEqual([code, text], [1012, "Draining"]);
      }
      await cluster.until("the pod is gone", async () => (await cluster.pods(namespace, `app=${NAME}`)).length === 0);
    });
  },
);
