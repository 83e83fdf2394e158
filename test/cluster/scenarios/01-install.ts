import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SYSTEM } from "../cluster.ts";
import { settled } from "../dataplane.ts";
import { seconds } from "../report.ts";
import { scenario } from "../scenario.ts";
import { ROOT } from "../tools.ts";

/** Between two handshakes that are refused, in ms: the example lets 60 a minute of one address try. */
const AGAIN = 250;
const KEY = "example-key-alice-0001";
const example = (file: string): string => join(ROOT, "examples", file);

export default scenario("from an empty cluster to the first session, with default values", async (cluster, report) => {
  const { ledger } = cluster;
  await cluster.uninstall();
  await cluster.namespace("demo");

  const started = Date.now();
  await report.step("helm installs the operator, kubectl applies backend, keys and proxy", async () => {
    const notes = await cluster.helm(
      "install",
      "wsproxy",
      join(ROOT, "charts/wsproxy"),
      "-n",
      SYSTEM,
      "--create-namespace",
    );
    assert.match(notes, /kubectl --namespace wsproxy-system rollout status/);
    await cluster.kubectl("apply", "-f", example("cluster"), "-f", example("quickstart/keys.yaml"));
    // The API server has just been taught this kind, and takes a moment to serve it.
    let refusal: unknown;
    const applied = (): Promise<boolean> =>
      cluster.kubectl("apply", "-f", example("quickstart/chat.yaml")).then(
        () => true,
        (error: unknown) => ((refusal = error), false),
      );
    await cluster.until("the proxy is applied", applied, 30_000).catch((error: unknown) => {
      throw refusal ?? error;
    });
  });

  const url = await report.step("the first client gets its 101 through the Service", async () => {
    let first: string | undefined;
    await cluster.until("a 101", async () => {
      const address = await cluster.address("demo", "wsproxy-chat").catch(() => undefined);
      if (address === undefined) return false;
      first = `ws://${address}/chat`;
      return ledger.open(first, { as: "alice", headers: { "x-api-key": KEY } }).then(
        () => true,
        () => sleep(AGAIN, false),
      );
    });
    report.figure("helm install to the first 101", seconds(Date.now() - started));
    return first ?? "";
  });

  await report.step("each of its messages comes back, and three backends share the sessions", async () => {
    await cluster.rolledOut("demo", "sample-backend");
    const names = new Set<string | undefined>();
    await cluster.until("all three were used", async () => {
      const session = await ledger.open(url, { as: "bob", headers: { "x-api-key": "example-key-bob-00002" } });
      await session.echo("one");
      await session.echo("two");
      names.add(session.entry.backend);
      await session.close();
      return names.size === 3;
    });
    assert.deepEqual(ledger.disorder(), []);
  });

  await report.step("the backend sees the client's name, and no key", async () => {
    const session = await ledger.open(`${url}/headers?apikey=${KEY}`, {
      as: "alice",
      greetings: 1,
      headers: { "x-wsproxy-client": "bob" },
    });
    const headers = new Map(JSON.parse(await session.message()) as [string, string][]);
    const value = (name: string): string | undefined =>
      [...headers].find(([header]) => header.toLowerCase() === name)?.[1];
    assert.equal(value("x-wsproxy-client"), "alice");
    assert.equal(value("x-forwarded-host"), new URL(url).host);
    assert.match(value("x-request-id") ?? "", /^[\w-]{8,}$/);
    assert.ok(!JSON.stringify([...headers]).includes(KEY), "the key got to the backend");
  });

  await report.step("kubectl get wsp says Ready, and what it is", async () => {
    await cluster.kubectl("-n", "demo", "wait", "--for=condition=Ready", "wsp/chat", "--timeout=120s");
    const [head = "", row = ""] = (await cluster.kubectl("-n", "demo", "get", "wsp")).split("\n");
    assert.deepEqual(head.split(/ +/), ["NAME", "MODE", "READY", "REPLICAS", "ADDRESS", "AGE"]);
    assert.match(row, /^chat +Gateway +True +2 +wsproxy-chat\.demo\.svc/);
    report.figure("kubectl get wsp", row.replaceAll(/ +/g, " "));
  });

  await report.step("two operators are there, one of them leads; no pod was restarted", async () => {
    await cluster.rolledOut(SYSTEM, "wsproxy-operator");
    const operators = await cluster.pods(SYSTEM, "app.kubernetes.io/name=wsproxy");
    assert.equal(operators.length, 2);
    const gateways = await settled(cluster, "demo", "chat", ({ length }) => length === 2);
    const restarts = [...operators, ...gateways].map(({ status }) => status?.containerStatuses?.[0]?.restartCount);
    assert.deepEqual(restarts, [0, 0, 0, 0]);
    const leading = await Promise.all(operators.map(async ({ status }) => leads(status?.podIP ?? "")));
    assert.equal(leading.filter(Boolean).length, 1);
  });
});

async function leads(address: string): Promise<boolean> {
  return /^wsproxy_operator_leader 1$/m.test(await (await fetch(`http://${address}:9090/metrics`)).text());
}
