import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { KINDS, pathOf, type Kind } from "../../../operator/kube/kinds.ts";
import { keyOf } from "../../fakes/api-keys.ts";
import { metric, servedConfig } from "../admin-port.ts";
import type { Cluster } from "../cluster.ts";
import { dataplanePods, nameOf, reached } from "../dataplane.ts";
import { moment } from "../moment.ts";
import { percentiles } from "../report.ts";
import { scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import { apiKeys, byApiKey, sampleBackend } from "../workloads.ts";

const SESSIONS = 500;
/** Milliseconds between two messages of a session. */
const PACE = 1000;
/** Milliseconds between two handshakes of the clients that come and go. */
const BREATH = 20;
const CLIENTS = Array.from({ length: 50 }, (_, index) => `client-${index + 1}`);
/** One by one, each measured; then without waiting for what came before. */
const CHANGES = { measured: 80, hurried: 20 };
const PROBE = "probe";
/** Messages that a probe sends: more than any of its limits lets through. */
const PROBE_MESSAGES = 8;

/** Everything that is changed. What a probe sees tells which of it is in force. */
interface State {
  /** In a header that the gateway sets, and in the name of a route beside. */
  readonly version: string;
  /** Messages of one session of the probe. */
  readonly burst: number;
  /** Whose key the probe has. */
  readonly client: string;
  /** Where the probe's sessions go. */
  readonly service: "sample-backend" | "other-backend";
}

const CHANGE = {
  routes: (state: State, turn: number): State => ({ ...state, version: `v${turn}` }),
  limits: (state: State): State => ({ ...state, burst: 1 + (state.burst % (PROBE_MESSAGES - 1)) }),
  keys: (state: State, turn: number): State => ({ ...state, client: `${PROBE}-${turn}` }),
  backends: (state: State): State => ({
    ...state,
    service: state.service === "sample-backend" ? "other-backend" : "sample-backend",
  }),
};
type KindOfChange = keyof typeof CHANGE;
const KINDS_OF_CHANGE = Object.keys(CHANGE) as KindOfChange[];

function spec({ version, burst, service }: State): object {
  const main = { service: "sample-backend", port: "ws", weight: burst };
  return {
    gateway: { replicas: 2 },
    dataplane: { drain: { period: "2s" } },
    policies: byApiKey,
    routes: [
      {
        name: "main",
        path: { value: "/main" },
        backends: [main, ...(service === "other-backend" ? [{ service, port: "ws", weight: 1 }] : [])],
        policies: {
          messages: { fromClient: [{ per: "Connection", limit: 100 + burst, interval: "1s" }] },
          connections: [{ per: "Client", limit: 1000 + burst }],
        },
      },
      {
        name: PROBE,
        path: { value: "/probe" },
        rewrite: { path: "/headers" },
        backends: [{ service, port: "ws" }],
        policies: {
          forwarding: { headers: { set: [{ name: "x-version", value: version }] } },
          messages: { fromClient: [{ per: "Connection", limit: 1, interval: "1h", burst, onExceed: "Drop" }] },
        },
      },
      { name: `beside-${version}`, path: { value: `/beside-${version}` }, backends: [main] },
    ],
  };
}

export default scenario(
  "config under traffic: routes, limits, keys and backends change, and no client is disturbed",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    const namespace = await cluster.namespace("config");
    let state: State = { version: "v0", burst: 1, client: PROBE, service: "sample-backend" };
    await cluster.apply(
      namespace,
      ...sampleBackend("sample-backend", 3),
      ...sampleBackend("other-backend", 1),
      apiKeys("clients", CLIENTS),
      apiKeys(PROBE, [state.client]),
    );
    await cluster.rolledOut(namespace, "sample-backend", "other-backend");
    const url = await cluster.proxy(namespace, "config", spec(state));
    const traffic = new AbortController();
    const open = (client: string): Promise<Session> =>
      ledger.open(`${url}/main`, { as: client, headers: { "x-api-key": keyOf(client) } });
    const pods = await reached(cluster, namespace, "config", 2, () => open("client-1"));

    const sessions = await report.step(`${SESSIONS} sessions exchange messages, and others come and go`, async () => {
      const all: Session[] = [];
      while (all.length < SESSIONS) all.push(...(await Promise.all(CLIENTS.map((client) => open(client)))));
      for (const session of all) session.talk(PACE);
      return all;
    });
    const churning = comeAndGo(cluster, () => open("client-1"), traffic.signal);
    churning.catch(() => {}); // it is awaited in the end

    const times = new Map<KindOfChange, { pods: number; first: number }[]>(KINDS_OF_CHANGE.map((kind) => [kind, []]));
    await report.step(`${CHANGES.measured} changes, one after the other`, async () => {
      for (let turn = 1; turn <= CHANGES.measured; turn += 1) {
        const kind = KINDS_OF_CHANGE[turn % KINDS_OF_CHANGE.length]!;
        state = CHANGE[kind](state, turn);
        await moment(turn, cluster.signal);
        const before = await Promise.all(pods.map((pod) => servedConfig(cluster, pod)));
        const since = Date.now();
        await put(cluster, namespace, kind, state);
        // A key is offered when it is in force: before, it would be refused.
        const slowest = everyPodServes(cluster, pods, before);
        if (kind === "keys") await slowest;
        const [everywhere, first] = await Promise.all([slowest, firstThatFits(cluster, url, state)]);
        times.get(kind)?.push({ pods: everywhere - since, first: first - since });
        for (const pod of pods) assert.deepEqual(await seen(cluster, addressOf(pod), state.client), state, nameOf(pod));
      }
    });
    report.times(
      "API call to the first handshake that behaves by it",
      [...times.values()].flat().map(({ first }) => first),
    );
    for (const [kind, some] of times)
      report.times(
        `API call to every pod, ${kind}`,
        some.map((one) => one.pods),
      );
    report.times(
      "API call to every pod",
      [...times.values()].flat().map((one) => one.pods),
    );

    await report.step(`${CHANGES.hurried} changes at once, and the last one holds`, async () => {
      for (let turn = 1; turn <= CHANGES.hurried; turn += 1) {
        const kind = KINDS_OF_CHANGE[turn % KINDS_OF_CHANGE.length]!;
        if (kind === "keys") await put(cluster, namespace, kind, state, [`guest-${turn}`]);
        else await put(cluster, namespace, kind, (state = CHANGE[kind](state, CHANGES.measured + turn)));
      }
      for (const pod of pods) await firstThatFits(cluster, addressOf(pod), state);
      await cluster.condition(namespace, "config", "Programmed");
    });

    await report.step("no session was lost, no handshake refused, no message is missing", async () => {
      traffic.abort();
      await churning;
      for (const session of sessions) session.silence();
      for (const session of sessions) {
        assert.ok(session.isOpen, JSON.stringify(session.entry.closed));
        await session.message(session.entry.sent.length);
      }
      assert.deepEqual(ledger.refusals, []);
      assert.deepEqual(
        ledger.ended.filter(({ closed: { code } }) => code !== 1000),
        [],
      );
      assert.deepEqual(ledger.disorder(), []);
      assert.equal(ledger.live.length, SESSIONS);
      const echoes = sessions.flatMap(({ entry: { sent, received } }) =>
        received.map(({ at }, index) => at - (sent[index]?.at ?? Number.NaN)),
      );
      report.figure("messages echoed meanwhile", `${echoes.length} in ${SESSIONS} sessions`);
      report.figure("handshakes meanwhile", String(ledger.entries.length - SESSIONS));
      report.figure("longest round trip of a message", `${percentiles(echoes).max} ms`);
    });

    await report.step("the pods are those of before, and count no session that a change ended", async () => {
      const after = await dataplanePods(cluster, namespace, "config");
      assert.deepEqual(after.map(nameOf).toSorted(), pods.map(nameOf).toSorted());
      assert.deepEqual(
        after.map(({ status }) => status?.containerStatuses?.[0]?.restartCount),
        [0, 0],
      );
      const where = [namespace, "config"] as const;
      assert.equal(await metric(cluster, where, "wsproxy_config_dropped_sessions_total"), 0);
      assert.equal(await metric(cluster, where, "wsproxy_config_rejected_total"), 0);
      assert.equal(await metric(cluster, where, "wsproxy_connections", { route: "main" }), SESSIONS);
    });
  },
  { minutes: 7 },
);

/** Writes what a change is about, as a whole; `guests` have keys, too. */
async function put(
  cluster: Cluster,
  namespace: string,
  kind: KindOfChange,
  state: State,
  guests: readonly string[] = [],
): Promise<void> {
  const write = (of: Kind, name: string, operations: readonly object[]): Promise<unknown> =>
    cluster.api.request({
      method: "PATCH",
      path: pathOf(of, namespace, name),
      contentType: "application/json-patch+json",
      body: operations,
    });
  if (kind !== "keys")
    await write(KINDS.WebSocketProxy, "config", [{ op: "replace", path: "/spec", value: spec(state) }]);
  else {
    const data = Object.fromEntries([state.client, ...guests].map((client) => [client, btoa(keyOf(client))]));
    await write(KINDS.Secret, PROBE, [{ op: "replace", path: "/data", value: data }]);
  }
}

const addressOf = ({ status }: V1Pod): string => `ws://${status?.podIP}:8080`;

/** When the last of them served another config than before. */
async function everyPodServes(
  cluster: Cluster,
  pods: readonly V1Pod[],
  before: readonly { readonly hash: string; readonly endpointsHash: string }[],
): Promise<number> {
  const times = pods.map(async (pod, index) => {
    const { hash } = before[index]!;
    await cluster.until(`${nameOf(pod)} serves it`, async () => (await servedConfig(cluster, pod)).hash !== hash);
    return Date.now();
  });
  return Math.max(...(await Promise.all(times)));
}

/** When the first handshake was answered that shows this state. */
async function firstThatFits(cluster: Cluster, url: string, state: State): Promise<number> {
  const wanted = JSON.stringify(state);
  let last = 0;
  await cluster.until(`a handshake shows ${wanted}`, async () => {
    const found = await seen(cluster, url, state.client);
    last = cluster.ledger.entries.findLast(({ as }) => as === PROBE)?.opened ?? 0;
    return JSON.stringify(found) === wanted;
  });
  return last;
}

/** What holds for a new session, by what it sees. */
async function seen({ ledger }: Cluster, url: string, client: string): Promise<State> {
  const session = await ledger.open(`${url}/probe`, {
    as: PROBE,
    greetings: 1,
    headers: { "x-api-key": keyOf(client) },
  });
  const headers = new Map(JSON.parse(await session.message()) as [string, string][]);
  for (let count = 1; count <= PROBE_MESSAGES; count += 1) session.send(`message ${count}`);
  await session.answered(); // behind all echoes
  await session.close();
  const { received, backend = "" } = session.entry;
  return {
    version: headers.get("x-version") ?? "",
    burst: received.length - 1,
    client: headers.get("x-wsproxy-client") ?? "",
    service: backend.startsWith("sample-backend") ? "sample-backend" : "other-backend",
  };
}

/** One session after the other, each with a message, until it is told to stop. */
async function comeAndGo(cluster: Cluster, open: () => Promise<Session>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const session = await open();
    await session.echo("hello");
    await session.close();
    await sleep(BREATH, undefined, { signal: cluster.signal });
  }
}
