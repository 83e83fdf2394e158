import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { INJECT_LABEL } from "../../../api/meta.ts";
import { KINDS, pathOf } from "../../../operator/kube/kinds.ts";
import { samples } from "../admin-port.ts";
import type { Cluster } from "../cluster.ts";
import { isServing } from "../dataplane.ts";
import { barePod, readPod } from "../injected-pods.ts";
import { percentiles, type Report } from "../report.ts";
import { scenario } from "../scenario.ts";
import { injected, labelledPods, sidecarProxy, workload } from "../sidecar.ts";

const NAME = "cost";
/** Pods of each kind that are started, one after the other. */
const STARTS = 7;
/** Pods of each kind that are created in a dry run. */
const CREATIONS = 100;
/** How long pods without a client are watched, in ms. */
const IDLE = 30_000;

const open = { authentication: { require: "None" } };

export default scenario(
  "sidecar: what it costs",
  async (cluster, report) => {
    await cluster.install();
    const namespace = await cluster.namespace("sidecar-cost");
    await cluster.apply(namespace, sidecarProxy(NAME, open));
    await cluster.condition(namespace, NAME, "Programmed");
    const path = pathOf(KINDS.Pod, namespace);
    const create = (pod: V1Pod, query: Readonly<Record<string, string>> = {}): Promise<unknown> =>
      cluster.api.request({ method: "POST", path, body: pod, query });

    await report.step("the webhook's part in the creation of a pod", async () => {
      const ms = await alternately(CREATIONS, async (name, labelled) => {
        const since = performance.now();
        await create(podOf(name, labelled), { dryRun: "All" });
        return performance.now() - since;
      });
      compare(report, "creation of a pod, dry run", ms, (one) => `${one.toFixed(1)} ms`);
    });

    await report.step("the gateway's part in the start of a pod", async () => {
      const ms = await alternately(STARTS, async (name, labelled) => {
        const since = performance.now();
        await create(podOf(name, labelled));
        await cluster.until(`${name} is ready`, async () => isServing(await readPod(cluster, namespace, name)));
        const taken = performance.now() - since;
        await cluster.kubectl("-n", namespace, "delete", "pod", name); // its end takes nothing from the next one's start
        return taken;
      });
      compare(report, "creation of a pod to Ready", ms, (one) => `${(one / 1000).toFixed(1)} s`);
    });

    await report.step("memory and CPU of gateways without a client", async () => {
      await cluster.apply(namespace, workload("Deployment", NAME, 3, labelledPods(NAME)));
      const pods = await injected(cluster, namespace, NAME, 3);
      await sleep(IDLE, undefined, { signal: cluster.signal }); // what they did at their start is over
      const before = await cpu(cluster, pods);
      const since = performance.now();
      await sleep(IDLE, undefined, { signal: cluster.signal });
      const used = (await cpu(cluster, pods)).map((one, index) => one - (before[index] ?? 0));
      const cores = used.map((one) => (one / (performance.now() - since)) * 1e6);
      const memory = await samples(cluster, pods, "process_resident_memory_bytes");
      report.figure("an idle sidecar, memory", memory.map((one) => `${Math.round(one / 1e6)} MB`).join(", "));
      report.figure("an idle sidecar, CPU", cores.map((one) => `${one.toFixed(1)}m`).join(", "));
    });
  },
  { minutes: 8 },
);

function podOf(name: string, labelled: boolean): V1Pod {
  const template = labelledPods(NAME);
  const pod = barePod(name, template);
  if (!labelled) delete pod.metadata?.labels?.[INJECT_LABEL];
  return pod;
}

interface Both {
  readonly plain: readonly number[];
  readonly labelled: readonly number[];
}

/** What it measures, of so many pods of each kind, in turns: both meet the machine in the same state. */
async function alternately(
  count: number,
  measure: (name: string, labelled: boolean) => Promise<number>,
): Promise<Both> {
  const found = { plain: [] as number[], labelled: [] as number[] };
  for (let turn = 1; turn <= count; turn += 1) {
    found.plain.push(await measure(`plain-${turn}`, false));
    found.labelled.push(await measure(`labelled-${turn}`, true));
  }
  return found;
}

function compare(report: Report, what: string, { plain, labelled }: Both, words: (ms: number) => string): void {
  const [without, labelledOnes] = [percentiles(plain), percentiles(labelled)];
  report.figure(`${what}, without the label`, `p50 ${words(without.p50)}, max ${words(without.max)} (${plain.length})`);
  report.figure(
    `${what}, with it`,
    `p50 ${words(labelledOnes.p50)}, max ${words(labelledOnes.max)} (${labelled.length})`,
  );
}

/** Seconds of CPU that each has used. */
const cpu = (cluster: Cluster, pods: readonly V1Pod[]): Promise<number[]> =>
  samples(cluster, pods, "process_cpu_seconds_total");
