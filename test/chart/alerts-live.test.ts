import { describe, expect, onTestFinished, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { keyPair } from "../fakes/certificates.ts";
import { WsClient } from "../fakes/clients.ts";
import { configOf, endpointsOf } from "../fakes/config.ts";
import { REFUSING_PORTS } from "../fakes/ports.ts";
import { freePort } from "../fakes/program.ts";
import { clients, drains, operator, pod, Watch, type Pod } from "./alert-watch.ts";
import { prometheusInstalled } from "./prometheus.ts";

// The alerts against a real Prometheus that scrapes real data planes. The rules have no `for` here: each alert fires at once.

describe.skipIf(!prometheusInstalled)("(skipped where prometheus is not installed)", { timeout: 120_000 }, () => {
  test("a pod is behind and catches up; a new one is behind and drains", async () => {
    const [a, b, late] = [await pod("a"), await pod("b"), await pod("late")];
    const [before, after] = [{ routes: [{ name: "main" }] }, { routes: [{ name: "other" }] }];
    for (const one of [a, b]) await one.serve(before);
    const watch = await Watch.on(a.target, b.target, late.target);
    await watch.seen();
    await watch.expectFiring();
    await b.serve(after); // the same generation, as after a change of a key
    await watch.expectFiring("WSProxyConfigBehind");
    await a.serve(after);
    await watch.expectFiring();
    await late.serve(before);
    await watch.expectFiring("WSProxyConfigBehind");
    drains(late);
    await watch.expectFiring();
  });

  test("a pod refuses a config from its first moment on, another one while it serves; one recovers, one drains", async () => {
    const [a, b] = [await pod("a"), await pod("b")];
    const bad = { ...configOf(), fromTheFuture: 1 } as unknown as Config;
    await a.gateway.apply(bad, endpointsOf([]));
    await b.serve({});
    const watch = await Watch.on(a.target, b.target);
    await watch.expectFiring("WSProxyConfigRejected");
    await b.gateway.apply(bad, endpointsOf([]));
    await a.serve({});
    await watch.seen();
    await watch.expectFiring("WSProxyConfigRejected");
    drains(b);
    await watch.expectFiring();
  });

  test("a pod is full and its certificate ends soon; then it drains, for as long as it takes", async () => {
    const [full, old] = [await pod("full"), await pod("old")];
    await full.serve({ maxConnections: 10 });
    const soon = await keyPair(new Date(Date.now() + 600_000), new Date(Date.now() - 86_400_000 * 90));
    await old.serve({ tls: { keyPair: soon } });
    const watch = await Watch.on(full.target, old.target);
    await clients(full, 8);
    await watch.seen();
    // Their configs differ too: that one pod has no TLS is told as well.
    await watch.expectFiring("WSProxyCertificateExpiring", "WSProxyConfigBehind");
    await clients(full, 1);
    await watch.expectFiring("WSProxyCertificateExpiring", "WSProxyConfigBehind", "WSProxyNearConnectionLimit");
    drains(old);
    await watch.expectFiring("WSProxyNearConnectionLimit");
    drains(full);
    await watch.expectFiring();
    expect(full.gateway.sessions).toBe(9);
  });

  test("most clients of a new pod lose their permission in one moment", async () => {
    const a = await pod("a");
    await a.serve({});
    const all = await clients(a, 30);
    const watch = await Watch.on(a.target);
    await watch.seen();
    await watch.expectFiring();
    await a.serve({ routes: [{ policies: { deny: { clients: [], tokenIds: [], addresses: ["127.0.0.1"] } } }] });
    await Promise.all(all.map((one) => one.close()));
    await watch.expectFiring("WSProxyPermissionsLost");
  });

  test("clients leave a new pod all at once, of their own will", async () => {
    const a = await pod("a");
    await a.serve({});
    const all = await clients(a, 30);
    const watch = await Watch.on(a.target);
    await watch.seen();
    for (const { socket } of all) socket.close(1001);
    await a.gateway.empty();
    await watch.seen();
    await watch.expectFiring();
  });

  test("handshakes fail for want of a backend, for want of room, and for their clients' own faults", async () => {
    const [gone, full, theirs] = [await pod("gone"), await pod("full"), await pod("theirs")];
    await gone.gateway.serve({}, [await freePort()]);
    await full.serve({ name: "full", maxConnections: 1 });
    await theirs.serve({ name: "theirs", routes: [{ hostnames: ["chat.example.com"] }] });
    const fail = async (...pods: readonly Pod[]): Promise<void> => {
      for (const { gateway } of pods) {
        const name = gateway.gateway.proxies[0]?.name;
        await WsClient.open(`ws://127.0.0.1:${gateway.gateway.port(name ?? "")}/`).catch(() => {});
      }
    };
    const watch = await Watch.on(gone.target, full.target, theirs.target);
    const one = await WsClient.open(`ws://127.0.0.1:${full.gateway.gateway.port("test/full")}/`);
    onTestFinished(() => one.socket.terminate());
    const end = new AbortController();
    const failing = async (): Promise<void> => {
      while (!end.signal.aborted) await fail(gone, full, theirs);
    };
    const running = failing();
    const ofFull = ["WSProxyHandshakesFailing test/full", "WSProxyNearConnectionLimit test/full"];
    await watch.expectFiring("WSProxyHandshakesFailing", ...ofFull);
    end.abort();
    await running;
  });

  test("two pods cannot reach their store; one drains, the other one is to count by itself from then on", async () => {
    const [a, b] = [await pod("a"), await pod("b")];
    const routes = [{ policies: { connections: [{ per: "Client", limit: 5 }] } }];
    const [port] = REFUSING_PORTS;
    for (const one of [a, b]) await one.serve({ routes, store: { address: `127.0.0.1:${port}` } });
    const watch = await Watch.on(a.target, b.target);
    await watch.expectFiring("WSProxyStoreUnavailable");
    drains(b);
    await watch.seen();
    await watch.expectFiring("WSProxyStoreUnavailable");
    await a.serve({ routes });
    await watch.expectFiring();
  });

  test("the conditions that an operator tells", async () => {
    const its = await operator();
    const good = { Accepted: "Accepted", ResolvedRefs: "ResolvedRefs", Programmed: "Programmed", Ready: "Ready" };
    its.set(good);
    const watch = await Watch.on(its.target);
    await watch.seen();
    await watch.expectFiring();
    its.set({ ...good, Programmed: "RolloutStuck" });
    await watch.expectFiring("WSProxyRolloutStuck");
    its.set({ ...good, Programmed: "RolloutStuck", Ready: "NoReadyPods" });
    await watch.expectFiring("WSProxyNotReady", "WSProxyRolloutStuck");
    its.set({ ...good, Programmed: "RollingOut" });
    await watch.expectFiring();
    its.set({ ...good, Programmed: "NotApplied" });
    await watch.expectFiring("WSProxyNotApplied");
    its.set({ ...good, Accepted: "Invalid", Programmed: "NotAccepted" });
    await watch.expectFiring("WSProxyNotAccepted");
    its.set({ ...good, Accepted: "PartiallyAccepted" });
    await watch.expectFiring();
    its.set({ ...good, Programmed: "Pending", Ready: "NoReadyPods" });
    await watch.expectFiring("WSProxyNotReady");
    its.set({ ...good, Ready: "NoReadyPods" }, 0); // scaled to zero
    await watch.expectFiring();
    its.set({ ...good, Accepted: "Invalid", Programmed: "NotAccepted", Ready: "NoReadyPods" }, 0);
    await watch.expectFiring("WSProxyNotAccepted");
  });
});
