import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { V1Node, V1Service, V1ServiceSpec } from "@kubernetes/client-node";
import { KINDS } from "../../../operator/kube/kinds.ts";
import { Authority } from "../../fakes/certificates.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import type { Cluster } from "../cluster.ts";
import { reached, settled } from "../dataplane.ts";
import { columns } from "../printed-columns.ts";
import { scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import { StatusHistory } from "../status-history.ts";
import { isObserved, proxyManifest } from "../web-socket-proxy.ts";
import { sampleBackend, tlsSecret } from "../workloads.ts";

const NAMESPACE = "mistyped";
const NAME = "chat";
const HOST = "chat.test";

function spec(listener: object, service: object = {}): object {
  return {
    gateway: { replicas: 2, service },
    dataplane: { drain: { period: "2s" } },
    listener,
    routes: [
      {
        name: "open",
        backends: [{ service: "sample-backend", port: "ws" }],
        policies: { authentication: { require: "None" } },
      },
    ],
  };
}
const tls = (secretName: string): object => ({ tls: { secretName } });

export default scenario(
  "TLS with a mistyped Secret: the old listener serves until the new one can; and the fields of the Service",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    await cluster.namespace(NAMESPACE);
    const authority = await Authority.create();
    const pair = await authority.issue({ names: [HOST] });
    await cluster.apply(NAMESPACE, ...sampleBackend());
    await cluster.rolledOut(NAMESPACE, "sample-backend");
    const url = await cluster.proxy(NAMESPACE, NAME, spec({}));
    await reached(cluster, NAMESPACE, NAME, 2, () => ledger.open(url));
    const history = await StatusHistory.follow(cluster, NAMESPACE, NAME);
    const secure = (host: string): Promise<Session> =>
      ledger.open(`wss://${host}/`, { as: "with TLS", ca: authority.ca, servername: HOST });

    await report.step("tls names a Secret that is not there: ws is served as before, at the same port", async () => {
      const arrivals = Arrivals.start(cluster, url, 100);
      const session = await ledger.open(url, { as: "stays" });
      const since = Date.now();
      await cluster.apply(NAMESPACE, proxyManifest(NAME, spec(tls("chat-tsl"))));
      const told = await history.until("ResolvedRefs", "False SecretNotFound", { since });
      assert.match(told.message, /chat-tsl/);
      const arrived = arrivals.entries.length;
      await cluster.until("clients came afterwards", () => Promise.resolve(arrivals.entries.length > arrived + 50));
      await arrivals.stop();
      assert.equal(reasonsOf(arrivals.refused), "none");
      await session.echo("still here");
      // What goes with it waits, too: the plain listener is not shown to more clients than before.
      await cluster.apply(NAMESPACE, proxyManifest(NAME, spec(tls("chat-tsl"), { type: "NodePort", port: 8443 })));
      await cluster.until("the operator has seen it", () => isObserved(cluster, NAMESPACE, NAME));
      assert.equal((await serviceOf(cluster, NAME)).type, "ClusterIP");
      assert.deepEqual(await portsOf(cluster, NAME), [[80, "kubernetes.io/ws"]]);
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
      assert.match((await columns(cluster, NAMESPACE, NAME))["ADDRESS"] ?? "", /:80$/);
    });

    const host = await report.step("with the name corrected, the Service leads to wss on 443", async () => {
      await cluster.apply(NAMESPACE, tlsSecret("chat-tls", pair), proxyManifest(NAME, spec(tls("chat-tls"))));
      await cluster.condition(NAMESPACE, NAME, "Programmed");
      await settled(cluster, NAMESPACE, NAME, ({ length }) => length === 2);
      assert.deepEqual(await portsOf(cluster, NAME), [[443, "kubernetes.io/wss"]]);
      const found = await cluster.address(NAMESPACE, `wsproxy-${NAME}`);
      await (await secure(found)).echo("by TLS");
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
      return found;
    });

    await report.step("mistyped again: the certificate in force is shown, at the same port", async () => {
      const session = await secure(host);
      const since = Date.now();
      await cluster.apply(NAMESPACE, proxyManifest(NAME, spec(tls("chat-slt"))));
      await history.until("ResolvedRefs", "False SecretNotFound", { since });
      const other = await secure(host);
      assert.equal(other.entry.certificate, session.entry.certificate);
      await session.echo("still here");
      assert.deepEqual(await portsOf(cluster, NAME), [[443, "kubernetes.io/wss"]]);
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
    });

    const late = "late";
    await report.step("a new proxy with a mistyped Secret: not Ready until the Secret is there, then wss", async () => {
      await cluster.apply(NAMESPACE, proxyManifest(late, spec(tls("late-tls"))));
      const its = await StatusHistory.follow(cluster, NAMESPACE, late);
      await its.until("ResolvedRefs", "False SecretNotFound");
      assert.match(its.course("Ready").at(-1) ?? "", /^False /);
      await cluster.apply(NAMESPACE, tlsSecret("late-tls", pair));
      await its.until("Ready", "True Ready");
      const found = await cluster.address(NAMESPACE, `wsproxy-${late}`);
      assert.match(found, /:443$/);
      await (await secure(found)).echo("by TLS");
      await cluster.kubectl("-n", NAMESPACE, "delete", "wsp", late);
    });

    await report.step(
      "NodePort: with externalTrafficPolicy Local the backend is told the client's address",
      async () => {
        await become({}, { type: "NodePort" });
        assert.equal((await serviceOf(cluster, NAME)).externalTrafficPolicy, "Cluster");
        report.figure("client's address by Cluster", await toldThroughNode(cluster, () => true));
        await become({}, { type: "NodePort", externalTrafficPolicy: "Local" });
        assert.equal((await serviceOf(cluster, NAME)).externalTrafficPolicy, "Local");
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
        await become({}, service);
        const { externalTrafficPolicy, loadBalancerClass, loadBalancerSourceRanges } = await serviceOf(cluster, NAME);
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
        await become({}, {});
        const left = await serviceOf(cluster, NAME);
        assert.deepEqual(
          [left.type, left.externalTrafficPolicy, left.loadBalancerClass, left.loadBalancerSourceRanges],
          ["ClusterIP", undefined, undefined, undefined],
        );
        await addressIs("wsproxy-chat.mistyped.svc:80");
        assert.deepEqual(history.course("Ready"), ["True Ready"]);
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
        assert.deepEqual(await portsOf(cluster, name), [[1234, undefined]]);
        assert.doesNotMatch((await columns(cluster, NAMESPACE, name))["ADDRESS"] ?? "", /foreign|1234/);
        // Its pods are there; nothing leads clients to them.
        await settled(cluster, NAMESPACE, name, ({ length }) => length === 2);
        await its.until("Ready", "False NotProgrammed");
        await cluster.kubectl("-n", NAMESPACE, "delete", "service", `wsproxy-${name}`);
        await its.until("Ready", "True Ready");
        await (await ledger.open(`ws://${await cluster.address(NAMESPACE, `wsproxy-${name}`)}`)).echo("its own");
      },
    );

    async function addressIs(words: string): Promise<void> {
      const shown = async (): Promise<boolean> => (await columns(cluster, NAMESPACE, NAME))["ADDRESS"] === words;
      await cluster.until(`the address is ${words}`, shown, 30_000);
    }

    /** Changes listener and Service, and waits until both are as they are to be. */
    async function become(listener: object, service: Readonly<Record<string, unknown>>): Promise<void> {
      const since = Date.now();
      await cluster.apply(NAMESPACE, proxyManifest(NAME, spec(listener, service)));
      await history.until("Accepted", "True Accepted", { since });
      await cluster.condition(NAMESPACE, NAME, "Programmed");
      await settled(cluster, NAMESPACE, NAME, ({ length }) => length === 2);
      assert.equal((await serviceOf(cluster, NAME)).type, service["type"] ?? "ClusterIP");
    }
  },
  { minutes: 8 },
);

async function serviceOf(cluster: Cluster, proxy: string): Promise<V1ServiceSpec> {
  const found = await cluster.get<V1Service>(KINDS.Service, NAMESPACE, `wsproxy-${proxy}`);
  assert.ok(found?.spec, `${proxy} has no Service`);
  return found.spec;
}

async function portsOf(cluster: Cluster, proxy: string): Promise<[number, string | undefined][]> {
  const { ports = [] } = await serviceOf(cluster, proxy);
  return ports.map(({ port, appProtocol }) => [port, appProtocol]);
}

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
  const port = (await serviceOf(cluster, NAME)).ports?.[0]?.nodePort ?? 0;
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
