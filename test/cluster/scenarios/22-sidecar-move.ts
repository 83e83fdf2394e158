import assert from "node:assert/strict";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import { Crowd } from "../crowd.ts";
import { scenario } from "../scenario.ts";
import { injected } from "../sidecar.ts";
import { typed, walkthrough } from "../walkthrough.ts";

const CROWD = 40;
/** As the examples have them. */
const NAMESPACE = "demo";
const SIDECAR = "chat";
const GATEWAY = "chat-gateway";
const BOB = { "x-api-key": "example-key-bob-00002" };
/** How sessions end in a move: by the gateway that stops, with the Close of the process that stops, or with it. */
const MOVED = ["1012 Draining", "1001 the sample backend is stopping", "1013 BackendLost"];
/** Before and after a process stops, a handshake that has reached it may go with it: in each rollout of a backend; ms. */
const STOPS = 1000;

/** The guide's commands, as they stand there, with clients that stay and others that come and go. */
export default scenario(
  "sidecar: a move to mode Gateway and back, as the guide says, with sessions that live",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    await cluster.namespace(NAMESPACE);
    await report.step("Add the gateway to a pod: proxy, label, Service", async () => {
      const steps = ["1. The WebSocketProxy, first", "2. The label, and the Service"];
      const scripts = await Promise.all(steps.map((title) => walkthrough(`guides/sidecar.md#${title}`)));
      await typed(cluster, scripts.join("\n").replace(/^kubectl create namespace .*$/m, ""), "");
      await injected(cluster, NAMESPACE, SIDECAR, 3);
    });
    const url = `ws://${await cluster.address(NAMESPACE, SIDECAR)}`;
    const crowd = await Crowd.gather(cluster, url, CROWD, BOB);
    const arrivals = Arrivals.start(cluster, url, 100, { headers: BOB });

    const move = async (title: string): Promise<void> => {
      await report.step(title, async () => {
        const since = Date.now();
        await typed(cluster, await walkthrough(`guides/gateway-or-sidecar.md#${title}`), "");
        await cluster.until("the crowd is back", () => Promise.resolve(crowd.whole));
        const ended = ledger.ended.filter(({ closed }) => closed.at > since && closed.code !== 1000);
        const codes = ended.map(({ closed }) => `${closed.code} ${closed.text}`);
        report.figure(title, countsOf(codes));
        assert.ok(ended.length >= CROWD, `${ended.length} sessions were moved`);
        for (const code of codes) assert.ok(MOVED.includes(code), code);
        assert.ok(codes.includes("1012 Draining"));
        assert.equal(await ledger.dial(url, { as: "no key" }).refused(), "401 CredentialMissing");
      });
    };
    await move("From sidecar to gateway");
    await report.step("the pods have no gateway any more, and the proxy of mode Sidecar is gone", async () => {
      await injected(cluster, NAMESPACE, SIDECAR, 0);
      await cluster.condition(NAMESPACE, GATEWAY, "Ready");
      assert.equal((await cluster.kubectl("-n", NAMESPACE, "get", "wsp", "-o", "name")).trim(), nameOf(GATEWAY));
    });
    await move("From gateway to sidecar");
    await report.step("each pod has its gateway again, and the other proxy is gone with its pods", async () => {
      await injected(cluster, NAMESPACE, SIDECAR, 3);
      await cluster.condition(NAMESPACE, SIDECAR, "Ready");
      assert.equal((await cluster.kubectl("-n", NAMESPACE, "get", "wsp", "-o", "name")).trim(), nameOf(SIDECAR));
      assert.deepEqual(await cluster.pods(NAMESPACE, `wsproxy.dev/proxy=wsproxy-${GATEWAY}`), []);
    });
    await report.step("meanwhile no gateway refused a handshake, and each client was heard", async () => {
      await arrivals.stop();
      crowd.disperse();
      const stops = ledger.ended.filter(({ closed }) => closed.code === 1001).map(({ closed }) => closed.at);
      const [lost, others] = [true, false].map((wanted) => {
        return arrivals.refused.filter(({ refused: { status, at } = { status: 0, at: 0 } }) => {
          return (status === 502 && stops.some((stop) => Math.abs(stop - at) < STOPS)) === wanted;
        });
      });
      report.figure("handshakes that a process took with it", `${lost?.length} of ${arrivals.entries.length}`);
      assert.equal(reasonsOf(others ?? []), "none");
      assert.ok((lost?.length ?? 0) <= 6, "more than one for each process that stopped");
      assert.deepEqual(arrivals.unheard, []);
    });
  },
  { minutes: 10 },
);

const nameOf = (proxy: string): string => `websocketproxy.wsproxy.dev/${proxy}`;

function countsOf(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const one of words) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].map(([one, count]) => `${count} × ${one}`).join(", ");
}
