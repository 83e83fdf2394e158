import { expect, onTestFinished, test } from "vitest";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { until } from "../../test/fakes/sockets.ts";
import { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { clusterTarget } from "./cluster/cluster-target.ts";
import { follow, type FollowTimes } from "./follow.ts";
import { LiveFailure } from "./live-failure.ts";
import { processTarget } from "./process-target.ts";
import type { Place, Target } from "./target.ts";

const QUICK: FollowTimes = { look: 20, firstWait: 10, longestWait: 50, silence: 60_000 };

interface Followed {
  readonly events: string[];
  readonly troubles: string[];
  watching: readonly string[];
  readonly ended: Promise<unknown>;
  readonly stop: () => void;
}

async function followed(cluster: ProxyCluster, times: FollowTimes = QUICK): Promise<Followed> {
  const stop = new AbortController();
  const { proxy, kubeconfig } = cluster;
  const typed = { in: "cluster", proxy, kubeconfig, namespace: undefined, context: undefined } as const;
  const target = await clusterTarget(typed, stop.signal);
  onTestFinished(() => {
    stop.abort();
    target.close();
  });
  const result: Followed = {
    events: [],
    troubles: [],
    watching: [],
    stop: () => stop.abort(),
    ended: follow(
      target,
      { path: "/debug/events", query: { client: "alice" } },
      {
        event: ({ place, name, data }) => result.events.push(`${place.name} ${name} ${String(data["n"])}`),
        trouble: ({ message }) => result.troubles.push(message),
        watching: (places) => (result.watching = places.map(({ name }) => name)),
      },
      stop.signal,
      times,
    ).catch((error: unknown) => error),
  };
  return result;
}

const streaming = (...pods: FakeAdminProcess[]): Promise<void> =>
  until("every stream is open", () => pods.every(({ streams }) => streams.size === 1));

test("events of all pods come with their pod; pods that come are followed, pods that end are let go", async () => {
  const cluster = await ProxyCluster.start();
  const first = await cluster.pod("chat-a");
  const { events, troubles, ...rest } = await followed(cluster);
  await streaming(first);
  expect(first.calls.at(-1)).toMatchObject({ path: "/debug/events", query: { client: "alice" } });
  first.tell("handshake", { n: 1 });
  const second = await cluster.pod("chat-b");
  await streaming(second);
  second.tell("closed", { n: 2 });
  await until("both events", () => events.length === 2);
  expect(events).toEqual(["chat-a handshake 1", "chat-b closed 2"]);
  cluster.remove("chat-a");
  await until("the first pod is let go", () => first.streams.size === 0 && cluster.forwards.open === 1);
  second.tell("closed", { n: 3 });
  await until("the other goes on", () => events.length === 3);
  expect(troubles.filter((words) => !words.includes("chat-a is gone"))).toEqual([]);
  rest.stop();
  expect(await rest.ended).toBeUndefined();
  await until("all port-forwards are closed", () => cluster.forwards.open === 0);
});

test("a stream that breaks is opened again, and what it had told of the past is not told twice", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const result = await followed(cluster);
  const { events } = result;
  await streaming(pod);
  pod.tell("handshake", { n: 1, at: "2026-01-01T00:00:01.000Z", past: true });
  await until("the first event", () => events.length === 1);
  cluster.forwards.cut("chat-a");
  await until("the stream is closed", () => pod.streams.size === 0);
  await streaming(pod);
  pod.tell("handshake", { n: 1, at: "2026-01-01T00:00:01.000Z", past: true });
  pod.tell("handshake", { n: 2, at: "2026-01-01T00:00:02.000Z", past: true });
  await until("the event in between", () => events.length === 2);
  expect(events).toEqual(["chat-a handshake 1", "chat-a handshake 2"]);
  expect(result.watching).toEqual(["chat-a"]);
});

test("a stream without a sign of life is opened anew", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  await followed(cluster, { ...QUICK, silence: 50 });
  await until("it was asked again", () => pod.calls.length > 2);
});

test("where no pod can be followed at the beginning, the failure is the answer", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  pod.old = true;
  const { ended } = await followed(cluster);
  const failure = await ended;
  expect(failure).toBeInstanceOf(LiveFailure);
  expect((failure as LiveFailure).kind).toBe("Old");
});

test("a pod that cannot be followed is told once, and the others are followed", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const other = await cluster.pod("chat-b");
  other.old = true;
  const { events, troubles } = await followed(cluster);
  await streaming(pod);
  await until("the old pod was asked again", () => other.calls.length > 3);
  pod.tell("limit", { n: 1 });
  await until("the event", () => events.length === 1);
  expect(troubles).toEqual(["chat-b does not know /debug/events: its gateway is of an earlier version; update it"]);
});

test("that all pods are gone is told each time, and that a pod is silent after each try where it is asked for", async () => {
  const cluster = await ProxyCluster.start();
  const first = await cluster.pod("chat-a");
  const { troubles } = await followed(cluster);
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const typed = { in: "cluster", proxy: "chat", kubeconfig: cluster.kubeconfig, namespace: undefined } as const;
  const target = await clusterTarget({ ...typed, context: undefined }, stop.signal);
  onTestFinished(() => target.close());
  const silent: string[] = [];
  let [open, there]: readonly (readonly string[])[] = [[], []];
  const follower = {
    event: () => {},
    silent: ({ name }: Place, { message }: LiveFailure) => void silent.push(`${name}: ${message}`),
    watching: (watched: readonly Place[], all: readonly Place[]) =>
      void ([open, there] = [watched.map(({ name }) => name), all.map(({ name }) => name)]),
  };
  void follow(target, { path: "/debug/events" }, follower, stop.signal, QUICK);
  await until("both watch", () => first.streams.size === 2);
  const second = await cluster.pod("chat-b");
  second.old = true;
  const words = "chat-b: chat-b does not know /debug/events: its gateway is of an earlier version; update it";
  await until("three tries are told", () => silent.filter((one) => one === words).length === 3);
  expect([open, there]).toEqual([["chat-a"], ["chat-a"]]);
  cluster.remove("chat-b");
  await until("it is let go", () => second.calls.length > 0 && there?.join() === "chat-a");
  const none = (): number => troubles.filter((one) => one.includes("has no pods")).length;
  for (const times of [1, 2]) {
    cluster.remove("chat-a");
    await until("there is none", () => none() === times);
    const next = await cluster.pod("chat-a");
    await until("both watch the next pod", () => next.streams.size === 2);
  }
});

test("of more pods than can be watched the first are, and it is said", async () => {
  const process = await FakeAdminProcess.start();
  const url = new URL(`http://127.0.0.1:${process.port}`);
  const one = await processTarget(
    { in: "process", url, token: process.token, tokenFile: undefined },
    new AbortController().signal,
  );
  const many: Target = {
    ...one,
    title: "demo/chat",
    places: async (signal) => {
      const [place] = await one.places(signal);
      if (place === undefined) throw new Error("no place");
      const named = (id: string): typeof place => {
        const { name, leaving, host, token, wrongToken } = place;
        const connect = (abort: AbortSignal) => place.connect(abort);
        return { id, name, leaving, host, token, wrongToken, connect, renewToken: () => Promise.resolve(false) };
      };
      return Array.from({ length: 250 }, (_, index) => named(String(index)));
    },
  };
  const stop = new AbortController();
  const troubles: string[] = [];
  const follower = { event: () => {}, trouble: ({ message }: LiveFailure) => void troubles.push(message) };
  const ended = follow(many, { path: "/debug/events" }, follower, stop.signal);
  await until("200 streams are open", () => process.streams.size === 200);
  expect(troubles).toEqual(["demo/chat has 250 pods; only the first 200 are watched"]);
  stop.abort();
  await ended;
});

test("which streams are open is told when it changes, and not at each look", async () => {
  const process = await FakeAdminProcess.start();
  const url = new URL(`http://127.0.0.1:${process.port}`);
  const one = await processTarget(
    { in: "process", url, token: process.token, tokenFile: undefined },
    new AbortController().signal,
  );
  let looks = 0;
  const places: Target["places"] = (signal) => {
    looks += 1;
    return one.places(signal);
  };
  const target: Target = { title: one.title, single: false, places, close: () => {} };
  const stop = new AbortController();
  const watching: number[] = [];
  const follower = {
    event: () => {},
    watching: ({ length }: { readonly length: number }) => void watching.push(length),
  };
  const ended = follow(target, { path: "/debug/events" }, follower, stop.signal, QUICK);
  await until("it has looked often", () => looks > 5);
  expect(watching).toEqual([1]);
  stop.abort();
  await ended;
});
