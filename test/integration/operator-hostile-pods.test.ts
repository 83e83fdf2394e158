import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { OperatorBench, putAll } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

const READY = "True Ready";

async function bench(...proxies: readonly string[]): Promise<OperatorBench> {
  const it = await OperatorBench.start();
  for (const name of proxies) putAll(it.server, name);
  it.operator();
  for (const name of proxies)
    await until(`${name} has its objects`, () => it.server.get("Service", "demo", `wsproxy-${name}`) !== undefined);
  return it;
}

const programmed = (it: OperatorBench, name = "chat"): string =>
  it.status(name)?.conditions?.find(({ type }) => type === "Programmed")?.message ?? "";

/** 200 with a body that never ends: `[{},{},…`. */
function endless(socket: Socket): void {
  socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[");
  const more = "{},".repeat(20_000);
  const pour = (): void => {
    while (!socket.destroyed && socket.write(more));
    if (!socket.destroyed) socket.once("drain", pour);
  };
  socket.on("error", () => {});
  pour();
}

const html = (socket: Socket): void =>
  void socket.end("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<i>\u001b");

test("T3 a pod that answers nonsense is one line in the status, and the others are served", async () => {
  const it = await bench("chat", "other");
  await it.pods.add("chat", "chat-0");
  await it.pods.add("chat", "chat-1", { answers: endless });
  await it.pods.add("other", "other-0");
  await until("the other proxy is ready", () => it.condition("Ready", "other") === READY);
  const line =
    "1 of 2 pods so far. Ready, without the newest config: chat-1. Pod chat-1 gives no usable report: its answer is longer than 4096 bytes.";
  await until("the status says so", () => programmed(it).endsWith(line));
  expect([it.condition("Programmed"), it.condition("Ready")]).toEqual(["False RollingOut", READY]);
});

test("T3 whatever a crowd of pods answers, the operator's memory does not grow with it, and it goes on", async () => {
  const it = await bench("chat", "other");
  const crowd = await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      it.pods.add("chat", `chat-${at}`, { answers: at % 2 === 0 ? endless : html }),
    ),
  );
  await it.pods.add("other", "other-0");
  const before = process.memoryUsage().rss;
  await until("each was asked twice", () => crowd.every(({ asked }) => asked >= 2));
  await until("the other proxy is ready", () => it.condition("Ready", "other") === READY);
  expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  expect(programmed(it)).toMatch(/^[ -~]*$/);
  expect(programmed(it)).toContain("gives no usable report");
});

test("T2 a pod that only has the labels is not asked, not nudged and not counted; the status names it", async () => {
  const it = await bench("chat");
  const stranger = await it.pods.add("chat", "stranger", { stranger: true });
  await it.pods.add("chat", "chat-0");
  await until("the proxy is ready", () => it.condition("Ready") === READY);
  const words = "With the labels of this proxy, and not its own, though its Service may lead to them: stranger.";
  await until("the status says so", () => programmed(it).endsWith(words));
  expect(it.status()?.dataplane).toMatchObject({ replicas: 1, readyReplicas: 1 });
  expect(stranger.asked).toBe(0);
  expect(it.writes().filter((write) => write.includes("pods/stranger"))).toEqual([]);
  it.server.delete("Pod", "demo", "stranger");
  await until("nothing is said of it any more", () => !programmed(it).includes("stranger"));
});

test("a proxy is not ready where only foreign pods carry its labels", async () => {
  const it = await bench("chat");
  await it.pods.add("chat", "stranger", { stranger: true });
  await until("it is told of", () => programmed(it).includes("stranger"));
  expect([it.condition("Programmed"), it.condition("Ready")]).toEqual(["False Pending", "False NoReadyPods"]);
  expect(programmed(it)).toContain("There are no pods yet.");
});

test("pods that the operator sees before their ReplicaSet count for the proxy once it sees that", async () => {
  const it = await bench("chat");
  const pod = await it.pods.add("chat", "chat-0");
  await until("the proxy is ready", () => it.condition("Ready") === READY);
  const set = it.server.get("ReplicaSet", "demo", "wsproxy-chat-1");
  if (set === undefined) throw new Error("no ReplicaSet");
  it.server.delete("ReplicaSet", "demo", "wsproxy-chat-1");
  await until("the pod counts for no proxy", () => it.condition("Ready") === "False NoReadyPods");
  pod.appear();
  await until("the proxy is ready again", () => it.condition("Ready") === READY);
});
