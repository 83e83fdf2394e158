import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { V1Node } from "@kubernetes/client-node";
import type { Cluster } from "../cluster.ts";
import { reached, settled } from "../dataplane.ts";
import { portsOf, serviceOf, shownAddress } from "../proxy-service.ts";
import { scenario } from "../scenario.ts";
import { StatusHistory } from "../status-history.ts";
import { proxyManifest } from "../web-socket-proxy.ts";
import { sampleBackend } from "../workloads.ts";

const NAMESPACE = "service-fields";
const NAME = "chat";

type ServiceFields = Readonly<Record<string, unknown>>;

function spec(service: ServiceFields): object {
  return {
    gateway: { replicas: 2, service },
    dataplane: { drain: { period: "2s" } },
    routes: [
      {
        name: "open",
        backends: [{ service: "sample-backend", port: "ws" }],
        policies: { authentication: { require: "None" } },
      },
    ],
  };
}

export default scenario(
  "the Service of each type, which address of the client the backend is told, and a foreign Service",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    await cluster.namespace(NAMESPACE);
    await cluster.apply(NAMESPACE, ...sampleBackend());
    await cluster.rolledOut(NAMESPACE, "sample-backend");
    const url = await cluster.proxy(NAMESPACE, NAME, spec({}));
    await reached(cluster, NAMESPACE, NAME, 2, () => ledger.open(url));
    const history = await StatusHistory.follow(cluster, NAMESPACE, NAME);
    const session = await ledger.open(url, { as: "stays" });

    await report.step(
      "NodePort: with externalTrafficPolicy Local the backend is told the client's address",
      async () => {
        await become({ type: "NodePort" });
        assert.equal((await serviceOf(cluster, NAMESPACE, NAME)).externalTrafficPolicy, "Cluster");
        report.figure("client's address by Cluster", await toldThroughNode(cluster, () => true));
        await become({ type: "NodePort", externalTrafficPolicy: "Local" });
        assert.equal((await serviceOf(cluster, NAMESPACE, NAME)).externalTrafficPolicy, "Local");
        report.figure("client's address by Local", await toldThroughNode(cluster, ({ own, told }) => told === own));
      },
    );

    await report.step(
      "LoadBalancer without a load balancer: the address is <pending>, and clients inside get in",
      async () => {
        const service = {
          type: "LoadBalancer",
          loadBalancerClass: "example.com/none",
          loadBalancerSourceRanges: ["192.0.2.0/24"],
        };
        await become(service);
        const { externalTrafficPolicy, loadBalancerClass, loadBalancerSourceRanges } = await serviceOf(
          cluster,
          NAMESPACE,
          NAME,
        );
        assert.deepEqual(
          { type: "LoadBalancer", loadBalancerClass, loadBalancerSourceRanges, externalTrafficPolicy },
          { ...service, externalTrafficPolicy: "Local" },
        );
        await addressIs("<pending>");
        await cluster.condition(NAMESPACE, NAME, "Programmed");
        await (await ledger.open(`ws://${await cluster.address(NAMESPACE, `wsproxy-${NAME}`)}`)).echo("from inside");
      },
    );

    await report.step(
      "ClusterIP again: the API server takes it, and nothing of the load balancer is left",
      async () => {
        await become({});
        const left = await serviceOf(cluster, NAMESPACE, NAME);
        assert.deepEqual(
          [left.type, left.externalTrafficPolicy, left.loadBalancerClass, left.loadBalancerSourceRanges],
          ["ClusterIP", undefined, undefined, undefined],
        );
        await addressIs(`wsproxy-${NAME}.${NAMESPACE}.svc:80`);
        assert.deepEqual(history.course("Ready"), ["True Ready"]);
        await session.echo("through all of them");
      },
    );

    await report.step(
      "a foreign Service has the proxy's name: it is left as it is, and not shown as the address",
      async () => {
        const name = "foreign";
        await cluster.apply(NAMESPACE, {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: `wsproxy-${name}` },
          spec: { selector: { app: "another" }, ports: [{ port: 1234 }] },
        });
        await cluster.apply(NAMESPACE, proxyManifest(name, spec({})));
        const its = await StatusHistory.follow(cluster, NAMESPACE, name);
        const told = await its.until("Programmed", "False NotApplied");
        assert.match(told.message, /Service wsproxy-foreign/);
        assert.deepEqual(await portsOf(cluster, NAMESPACE, name), [[1234, undefined]]);
        assert.doesNotMatch(await shownAddress(cluster, NAMESPACE, name), /foreign|1234/);
        // Its pods are there; nothing leads clients to them.
        await settled(cluster, NAMESPACE, name, ({ length }) => length === 2);
        await its.until("Ready", "False NotProgrammed");
        await cluster.kubectl("-n", NAMESPACE, "delete", "service", `wsproxy-${name}`);
        // The operator tries again within a minute; at once where the proxy changes.
        await cluster.kubectl("-n", NAMESPACE, "annotate", `wsp/${name}`, "example.com/look=again");
        await its.until("Ready", "True Ready");
        await (await ledger.open(`ws://${await cluster.address(NAMESPACE, `wsproxy-${name}`)}`)).echo("its own");
      },
    );

    async function addressIs(words: string): Promise<void> {
      const shown = async (): Promise<boolean> => (await shownAddress(cluster, NAMESPACE, NAME)) === words;
      await cluster.until(`the address is ${words}`, shown, 30_000);
    }

    /** Changes the Service, and waits until it is as it is to be. */
    async function become(service: ServiceFields): Promise<void> {
      const since = Date.now();
      await cluster.apply(NAMESPACE, proxyManifest(NAME, spec(service)));
      await history.until("Accepted", "True Accepted", { since });
      await cluster.condition(NAMESPACE, NAME, "Programmed");
      await settled(cluster, NAMESPACE, NAME, ({ length }) => length === 2);
      assert.equal((await serviceOf(cluster, NAMESPACE, NAME)).type, service["type"] ?? "ClusterIP");
    }
  },
  { minutes: 5 },
);

interface Addresses {
  /** That the client has. */
  readonly own: string;
  /** That the backend is told. */
  readonly told: string;
}

/** Waits until a client of this machine enters by the node's own address, and its addresses fit; the one that the backend is told. */
async function toldThroughNode(cluster: Cluster, fits: (seen: Addresses) => boolean): Promise<string> {
  let seen: Addresses | undefined;
  const enters = async (): Promise<boolean> => {
    seen = await enterByNode(cluster).catch(() => undefined); // the node's rules follow later than the Service
    return seen !== undefined && fits(seen);
  };
  await cluster.until("a client enters by the node", enters, 30_000).catch((error: unknown) => {
    throw new Error(`${String(error)}; addresses ${JSON.stringify(seen)}`, { cause: error });
  });
  return seen?.told ?? "";
}

async function enterByNode(cluster: Cluster): Promise<Addresses> {
  const { items } = await cluster.api.request<{ items: V1Node[] }>({ path: "/api/v1/nodes" });
  const address = items[0]?.status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "";
  const port = (await serviceOf(cluster, NAMESPACE, NAME)).ports?.[0]?.nodePort ?? 0;
  const socket = connect({ host: address, port });
  socket.on("error", () => {}); // also after the wait for it has ended
  await once(socket, "connect", { signal: AbortSignal.any([cluster.signal, AbortSignal.timeout(5000)]) });
  const own = socket.localAddress ?? "";
  socket.destroy();
  const session = await cluster.ledger.open(`ws://${address}:${port}/headers`, { as: "by the node", greetings: 1 });
  const headers = JSON.parse(await session.message()) as [string, string][];
  await session.close();
  return { own, told: headers.find(([name]) => name.toLowerCase() === "x-forwarded-for")?.[1] ?? "" };
}
