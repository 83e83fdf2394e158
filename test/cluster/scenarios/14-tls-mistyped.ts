import assert from "node:assert/strict";
import { Authority } from "../../fakes/certificates.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import { reached, settled } from "../dataplane.ts";
import { portsOf, serviceOf, shownAddress } from "../proxy-service.ts";
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
  "TLS with a mistyped Secret: the old listener serves until the new one can",
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
      assert.equal((await serviceOf(cluster, NAMESPACE, NAME)).type, "ClusterIP");
      assert.deepEqual(await portsOf(cluster, NAMESPACE, NAME), [[80, "kubernetes.io/ws"]]);
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
      assert.match(await shownAddress(cluster, NAMESPACE, NAME), /:80$/);
    });

    const host = await report.step("with the name corrected, the Service leads to wss on 443", async () => {
      await cluster.apply(NAMESPACE, tlsSecret("chat-tls", pair), proxyManifest(NAME, spec(tls("chat-tls"))));
      await cluster.condition(NAMESPACE, NAME, "Programmed");
      await settled(cluster, NAMESPACE, NAME, ({ length }) => length === 2);
      assert.deepEqual(await portsOf(cluster, NAMESPACE, NAME), [[443, "kubernetes.io/wss"]]);
      const found = await cluster.address(NAMESPACE, `wsproxy-${NAME}`);
      const enters = (): Promise<boolean> =>
        secure(found).then(
          async (session) => (await session.echo("by TLS"), true),
          () => false, // the node's rules may lead to an old pod for a moment
        );
      await cluster.until("a client enters by TLS", enters, 30_000);
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
      assert.deepEqual(await portsOf(cluster, NAMESPACE, NAME), [[443, "kubernetes.io/wss"]]);
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
  },
  { minutes: 5 },
);
