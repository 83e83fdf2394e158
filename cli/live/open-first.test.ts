import { expect, onTestFinished, test } from "vitest";
import type { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { until } from "../../test/fakes/sockets.ts";
import { clusterTarget } from "./cluster/cluster-target.ts";
import { openFirst, type OpenStream } from "./open-first.ts";

async function opening(cluster: ProxyCluster): Promise<{ found: Promise<OpenStream>; stop: () => void }> {
  const stop = new AbortController();
  const { proxy, kubeconfig } = cluster;
  const typed = { in: "cluster", proxy, kubeconfig, namespace: undefined, context: undefined } as const;
  const target = await clusterTarget(typed, stop.signal);
  onTestFinished(() => {
    stop.abort();
    target.close();
  });
  const found = openFirst(target, { path: "/debug/frames", query: { session: "s1" } }, stop.signal);
  found.catch(() => {});
  return { found, stop: () => stop.abort() };
}

function refuses(pod: FakeAdminProcess, status: number, words: string): void {
  pod.answer = (_call, response) => response.writeHead(status).end(`${words}\n`) !== undefined;
}

test("the one pod that has the stream is found, and a pod that does not answer is waited for no longer", async () => {
  const cluster = await ProxyCluster.start();
  const silent = await cluster.pod("chat-a");
  silent.answer = () => true;
  refuses(await cluster.pod("chat-b"), 404, "no such session is open here");
  const pod = await cluster.pod("chat-c");
  const { place, body } = await (await opening(cluster)).found;
  expect(place.name).toBe("chat-c");
  pod.tell("frame", {});
  body.resume();
  await until("only the one that was found is open", () => cluster.forwards.open === 1);
  expect(pod.streams.size).toBe(1);
  body.destroy();
  await until("none is open", () => cluster.forwards.open === 0);
});

test("that no pod has it is said only where every pod says so", async () => {
  const cluster = await ProxyCluster.start();
  const [first, second] = [await cluster.pod("chat-a"), await cluster.pod("chat-b")];
  refuses(first, 404, "no such session is open here");
  refuses(second, 404, "no such session is open here");
  await expect((await opening(cluster)).found).rejects.toMatchObject({ kind: "Absent", status: 404 });
  refuses(second, 503, "5 streams are open already");
  await expect((await opening(cluster)).found).rejects.toMatchObject({ kind: "Refused", status: 503 });
});

test("an abort ends the wait", async () => {
  const cluster = await ProxyCluster.start();
  const silent = await cluster.pod("chat-a");
  silent.answer = () => true;
  const { found, stop } = await opening(cluster);
  await until("it is asked", () => silent.calls.length === 1);
  stop();
  await expect(found).rejects.toThrow("chat-a");
  await until("none is open", () => cluster.forwards.open === 0);
});
