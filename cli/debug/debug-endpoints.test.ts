import { expect, test } from "vitest";
import type { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { DebugClient } from "../../test/fakes/debug-client.ts";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { until } from "../../test/fakes/sockets.ts";

const AT = "2026-01-01T00:00:01.000Z";
const refusal = { at: AT, proxy: "demo/chat", client: "alice", status: 401, reason: "TokenExpired" };

const streaming = (...pods: FakeAdminProcess[]): Promise<void> =>
  until("one stream of each pod is open", () => pods.every(({ streams }) => streams.size === 1));

/** Answers GET requests for one path. */
function answering(pod: FakeAdminProcess, path: string, status: number, body: string): void {
  const before = pod.answer;
  pod.answer = (call, response) => {
    if (call.path !== path) return before?.(call, response) ?? false;
    response.writeHead(status).end(body);
    return true;
  };
}

test("nothing is told without the page's own token", async () => {
  const cluster = await ProxyCluster.start();
  await cluster.pod("chat-a");
  const page = await DebugClient.open(cluster);
  for (const path of ["/debug/events", "/debug/frames?client=a", "/sessions", "/config", "/metrics"]) {
    expect((await page.ask(path, "GET", "the-token")).status, path).toBe(401);
  }
  expect((await page.ask("/sessions/close?client=a", "POST", "the-token")).status).toBe(401);
});

test("two tabs share one stream of each pod, and the second one is told what was before", async () => {
  const cluster = await ProxyCluster.start();
  const first = await cluster.pod("chat-a");
  const page = await DebugClient.open(cluster);
  const one = await page.watch("/debug/events?client=alice");
  await streaming(first);
  expect(first.calls.at(-1)).toMatchObject({ path: "/debug/events", query: { client: "alice" } });
  first.tell("watching", { at: AT, proxies: ["demo/chat"], payload: true });
  first.tell("handshake", { ...refusal, pod: "forged" });
  const second = await cluster.pod("chat-b");
  await streaming(second);
  second.tell("watching", { at: AT, proxies: ["demo/chat"], payload: false });
  second.tell("closed", { at: AT, session: "s1" });
  await until("the event of the second pod", () => one.told.at(-1)?.name === "closed");
  const events = one.told.filter(({ name }) => name !== "pods");
  expect(one.told[0]?.name).toBe("watching");
  expect(events).toMatchObject([
    { name: "watching", data: { proxies: ["demo/chat"], payload: true } },
    { name: "handshake", data: { ...refusal, pod: "chat-a" } },
    { name: "watching", data: { proxies: ["demo/chat"], payload: true } },
    { name: "watching", data: { proxies: ["demo/chat"], payload: false } },
    { name: "closed", data: { session: "s1", pod: "chat-b" } },
  ]);
  const other = await page.watch("/debug/events?client=alice");
  await until("what was before", () => other.told.length === 3);
  expect(other.told).toMatchObject([
    { name: "watching", data: { payload: false } },
    { name: "pods", data: { pods: ["chat-a", "chat-b"] } },
    { name: "handshake", data: { ...refusal, pod: "chat-a", past: true } },
  ]);
  expect([first.streams.size, second.streams.size]).toEqual([1, 1]);
  one.leave();
  second.tell("limit", { at: AT });
  await until("the other tab goes on", () => other.told.at(-1)?.name === "limit");
  cluster.remove("chat-a");
  await until("the pod is let go", () => {
    const pods = other.told.findLast(({ name }) => name === "pods");
    return JSON.stringify(pods?.data["pods"]) === '["chat-b"]';
  });
  other.leave();
  await until("the streams end a while after the last tab", () => second.streams.size === 0, 10_000);
}, 30_000);

test("a pod that cannot be watched is an event, and no end", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const page = await DebugClient.open(cluster);
  const { told } = await page.watch("/debug/events");
  await streaming(pod);
  const full = await cluster.pod("chat-b");
  answering(full, "/debug/events", 503, "5 streams of events and frames are open already\n");
  await until("it is told", () => told.some(({ name }) => name === "trouble"));
  expect(told.find(({ name }) => name === "trouble")?.data["message"]).toBe(
    "chat-b answers 503: 5 streams of events and frames are open already",
  );
  expect(told.find(({ name }) => name === "trouble")?.data["pod"]).toBe("chat-b");
  pod.tell("watching", { at: AT, proxies: ["demo/chat"], payload: true });
  pod.tell("limit", { at: AT });
  await until("the other pod goes on", () => told.at(-1)?.name === "limit");
  const state = () => told.findLast(({ name }) => name === "pods")?.data;
  const words = "chat-b answers 503: 5 streams of events and frames are open already";
  expect(state()).toMatchObject({ pods: ["chat-a"], failures: [{ pod: "chat-b", message: words }] });
  const tries = full.calls.length;
  await until("it was tried again", () => full.calls.length > tries + 2);
  expect(told.filter(({ name }) => name === "trouble")).toHaveLength(1);
  full.answer = undefined;
  await streaming(full);
  await until("it is over", () => JSON.stringify(state()?.["failures"]) === "[]");
  answering(full, "/debug/events", 503, "5 streams of events and frames are open already\n");
  for (const stream of full.streams) stream.end();
  await until("the same words are told again", () => told.filter(({ name }) => name === "trouble").length === 2);
  cluster.remove("chat-b");
  await until("a pod that is gone is no failure", () => JSON.stringify(state()?.["failures"]) === "[]");
  cluster.remove("chat-a");
  await until("none is watched any more", () => {
    const pods = told.findLast(({ name }) => name === "pods");
    return JSON.stringify(pods?.data["pods"]) === "[]";
  });
  expect(told.findLast(({ name }) => name === "watching")?.data).toMatchObject({ proxies: [], payload: false });
});

test("where no pod can be watched, the page gets the status and the sentence of a pod, and may try again", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  answering(pod, "/debug/events", 503, "5 streams of events and frames are open already\n");
  const page = await DebugClient.open(cluster);
  const full = "503 chat-a answers 503: 5 streams of events and frames are open already";
  expect(await page.refused("/debug/events")).toBe(full);
  pod.token = "another";
  expect(await page.refused("/debug/events")).toMatch(/^502 the pod chat-a does not take the token/);
  pod.token = "the-token";
  pod.answer = undefined;
  await page.watch("/debug/events");
  expect(await page.refused("/debug/events?clientt=a")).toBe(
    "400 this path takes client, route, address, proxy, outcome only",
  );
  for (const n of ["1", "2"]) await page.watch(`/debug/events?client=${n}`);
  expect(await page.refused("/debug/events?client=3")).toBe("503 pages with 3 different filters watch already");
});

test("fifty pages watch at a time, with one stream of the pod", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const page = await DebugClient.open(cluster);
  const pages = [];
  for (let n = 0; n < 50; n += 1) pages.push(await page.watch("/debug/events"));
  expect(await page.refused("/debug/events")).toBe("503 50 pages watch already; close one of them");
  expect(pod.streams.size).toBe(1);
  pages[0]?.leave();
  await until("there is room again", async () => (await page.ask("/debug/events", "HEAD")).status === 200);
});

test("frames of a session come from its pod, and end with it; those of a client from all pods, for their time", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const other = await cluster.pod("chat-b");
  answering(other, "/debug/frames", 404, "no such session is open here\n");
  const page = await DebugClient.open(cluster);
  const session = await page.watch("/debug/frames?session=s1&payload=256");
  await streaming(pod);
  expect(pod.calls.at(-1)?.query).toEqual({ session: "s1", payload: "256" });
  pod.tell("frame", { at: AT, session: "s1", size: 2 });
  await until("the frame", () => session.told.length === 1);
  expect(session.told).toEqual([{ name: "frame", data: { at: AT, session: "s1", size: 2, pod: "chat-a" } }]);
  for (const stream of pod.streams) stream.end();
  await until("it ends with the session", session.ended);
  pod.answer = other.answer;
  expect(await page.refused("/debug/frames?session=s2")).toMatch(/^404 chat-[ab] answers 404: no such session/);
  pod.answer = other.answer = undefined;
  const client = await page.watch("/debug/frames?client=alice&seconds=1");
  await streaming(pod, other);
  other.tell("frame", { at: AT, session: "s3" });
  await until("it ends in its time", client.ended);
  expect(client.told).toEqual([{ name: "frame", data: { at: AT, session: "s3", pod: "chat-b" } }]);
  await until("the streams are closed", () => pod.streams.size === 0 && other.streams.size === 0);
});

test("a trace that a page leaves ends in the pods, and four run at a time", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const page = await DebugClient.open(cluster);
  const traces = [];
  for (let n = 0; n < 4; n += 1) traces.push(await page.watch(`/debug/frames?client=${n}`));
  expect(await page.refused("/debug/frames?client=5")).toBe("503 4 traces of frames run already; stop one");
  for (const { leave } of traces) leave();
  await until("the streams are closed", () => pod.streams.size === 0);
  await until("there is room again", async () => (await page.ask("/debug/frames?client=6", "HEAD")).status === 200);
});

test("sessions of all pods come page by page, each with its pod", async () => {
  const cluster = await ProxyCluster.start();
  const many = (pod: string, count: number) =>
    Array.from({ length: count }, (_, at) => ({
      id: `${pod}${String(at).padStart(3, "0")}`,
      route: "main",
      client: pod,
    }));
  for (const [pod, count] of [
    ["a", 250],
    ["b", 3],
    ["c", 70],
  ] as const)
    await cluster.pod(`chat-${pod}`, many(pod, count));
  const page = await DebugClient.open(cluster);
  const read = async (query: string): Promise<readonly string[]> => {
    const found: string[] = [];
    for (let after = "first"; after !== "";) {
      const { sessions, next = "" } = (await page.json(
        `/sessions?${query}${after === "first" ? "" : `&after=${after}`}`,
      )) as {
        sessions: { id: string; pod: string }[];
        next?: string;
      };
      expect(sessions.length).toBeLessThanOrEqual(60);
      for (const { id, pod } of sessions) {
        expect(pod).toBe(`chat-${id[0] ?? ""}`);
        found.push(id);
      }
      after = next;
    }
    return found;
  };
  const all = [...many("a", 250), ...many("b", 3), ...many("c", 70)].map(({ id }) => id);
  expect((await read("limit=60")).toSorted()).toEqual(all);
  expect((await read("limit=60&client=b")).toSorted()).toEqual(many("b", 3).map(({ id }) => id));
  const { next } = await page.json("/sessions?limit=1");
  for (let n = 0; n < 63; n += 1) await page.json("/sessions?limit=1");
  expect((await page.ask(`/sessions?after=${String(next)}`)).status, "64 lists are read at a time").toBe(200);
  for (let n = 0; n < 63; n += 1) await page.json("/sessions?limit=1");
  expect((await page.ask(`/sessions?after=${String(next)}`)).status).toBe(400);
  expect(await page.refused("/sessions?after=7777")).toBe(
    "400 after is not a page that there was; begin with the first page",
  );
  expect(await page.refused("/sessions?limit=1001")).toBe("400 limit is a number from 1 to 1000");
});

test("a session is closed in the pod that has it, those of a client in all", async () => {
  const cluster = await ProxyCluster.start();
  const session = (id: string, client: string) => ({ id, route: "main", client });
  const pods = [
    await cluster.pod("chat-a", [session("a1", "alice"), session("a2", "bob")]),
    await cluster.pod("chat-b", [session("b1", "alice"), session("b2", "bob")]),
  ];
  const page = await DebugClient.open(cluster);
  const close = async (path: string): Promise<unknown> => (await page.ask(path, "POST")).json();
  const left = (): readonly string[] => pods.flatMap(({ sessions }) => sessions.map(({ id }) => id));
  expect(await close("/sessions/b2/close?reason=lunch")).toMatchObject({ closed: 1, failures: [] });
  expect(left()).toEqual(["a1", "a2", "b1"]);
  expect(pods[1]?.calls.at(-1)?.query).toEqual({ reason: "lunch" });
  expect(await close("/sessions/close?client=alice")).toMatchObject({ closed: 2 });
  expect(left()).toEqual(["a2"]);
  expect(await page.refused("/sessions/b2/close", "POST")).toMatch(/^404 chat-[ab] answers 404: no session of this id/);
  if (pods[1] !== undefined) pods[1].token = "another";
  expect(await close("/sessions/a2/close")).toMatchObject({ closed: 1, failures: [{ pod: "chat-b" }] });
  expect(await page.refused("/sessions/a2/close", "POST")).toMatch(/^502 the pod chat-b does not take the token/);
});

test("configs come with their pods, and the numbers of the head line as sums", async () => {
  const cluster = await ProxyCluster.start();
  for (const [name, generation] of [
    ["chat-a", 7],
    ["chat-b", 8],
  ] as const) {
    const pod = await cluster.pod(name);
    const report = { proxies: [{ proxy: "demo/chat", hash: "h", generation }], more: 0 };
    answering(pod, "/config", 200, JSON.stringify(report));
    answering(
      pod,
      "/metrics",
      200,
      'wsproxy_connections{proxy="demo/chat"} 2\nwsproxy_messages_total{direction="fromClient"} 5\n',
    );
  }
  await cluster.pod("chat-c"); // answers neither
  const page = await DebugClient.open(cluster);
  expect(await page.json("/config")).toMatchObject({
    proxies: [
      { proxy: "demo/chat", generation: 7, pod: "chat-a" },
      { proxy: "demo/chat", generation: 8, pod: "chat-b" },
    ],
    more: 0,
    failures: [{ pod: "chat-c" }],
  });
  expect(await (await page.ask("/metrics")).text()).toBe(
    'wsproxy_connections 4\nwsproxy_buffered_bytes 0\nwsproxy_messages_total{direction="fromClient"} 10\n',
  );
});
