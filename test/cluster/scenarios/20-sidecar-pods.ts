import assert from "node:assert/strict";
import type { V1Job, V1Pod, V1PodTemplateSpec } from "@kubernetes/client-node";
import { ADMIN_PORT_ANNOTATION } from "../../../api/meta.ts";
import { KINDS, pathOf, type Kind } from "../../../operator/kube/kinds.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import { Crowd } from "../crowd.ts";
import { nameOf } from "../dataplane.ts";
import { foreignServer, pythonServer } from "../foreign.ts";
import * as pods from "../injected-pods.ts";
import { seconds } from "../report.ts";
import { scenario } from "../scenario.ts";
import { injected, injectedPods, labelledPods, sidecarProxy, userService, workload } from "../sidecar.ts";
import { readProxy } from "../web-socket-proxy.ts";

/** In a StatefulSet behind a Service. */
const SET = "set";
/** Pods of all other kinds, each of them dialled by itself. */
const LONE = "lone";
const CROWD = 50;
const JOB: Kind = { apiVersion: "batch/v1", kind: "Job", plural: "jobs" };
/** What a Job may take longer with a gateway, in ms. */
const MOST_ADDED = 4000;

const open = { authentication: { require: "None" } };
/** Says on its end whether something listens on the gateway's port. */
const LOOK = `import { connect } from "node:net"; import { writeFileSync } from "node:fs";
const tell = (text) => { writeFileSync("/dev/termination-log", text); process.exit(0); };
setTimeout(() => connect(8080, "127.0.0.1", () => tell("open")).on("error", ({ code }) => tell(code)), 1000);`;
/** A hook that ends when the gateway has begun its drain, and not when that is over. */
const UNTIL_DRAINING = `const look = async () => (await fetch("http://127.0.0.1:9090/readyz")).status === 200 && setTimeout(look, 50);
look();`;

export default scenario(
  "sidecar: pods of every kind get the gateway, or are refused in words",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    const namespace = await cluster.namespace("sidecar-pods");
    await cluster.apply(namespace, sidecarProxy(SET, open), userService(SET), sidecarProxy(LONE, open));
    await cluster.condition(namespace, SET, "Programmed");
    await cluster.condition(namespace, LONE, "Programmed");
    /** A session on this pod alone. */
    const sessionOn = (pod: V1Pod) => ledger.open(pods.urlOf(pod), { as: nameOf(pod) });
    const remove = (name: string) => cluster.kubectl("-n", namespace, "delete", "pod", name, "--wait=false");
    const bare = async (name: string, template: V1PodTemplateSpec): Promise<V1Pod> => {
      await cluster.apply(namespace, pods.barePod(name, template));
      return pods.serving(cluster, namespace, name);
    };
    const gone = (name: string) =>
      cluster.until(`pod ${name} is gone`, async () => (await cluster.get(KINDS.Pod, namespace, name)) === undefined);

    await report.step("a StatefulSet is rolled: each session ends with 1012, and no handshake is refused", async () => {
      await cluster.apply(namespace, workload("StatefulSet", SET, 3, labelledPods(SET)));
      await injected(cluster, namespace, SET, 3);
      const url = `ws://${await cluster.address(namespace, SET)}`;
      const crowd = await Crowd.gather(cluster, url, CROWD);
      const arrivals = Arrivals.start(cluster, url, 100);
      const before = new Set((await injectedPods(cluster, namespace, SET)).map(({ metadata }) => metadata?.uid));
      const since = Date.now();
      await cluster.kubectl("-n", namespace, "rollout", "restart", `statefulset/${SET}`);
      await cluster.until("all three are new", async () => {
        const now = await injected(cluster, namespace, SET, 3);
        return now.every(({ metadata }) => !before.has(metadata?.uid));
      });
      report.figure("sidecar: rollout of a StatefulSet of three", seconds(Date.now() - since));
      await cluster.until("the crowd is back", async () => crowd.whole);
      await arrivals.stop();
      crowd.disperse();
      const ended = ledger.ended.filter(({ closed }) => closed.at > since && closed.code !== 1000);
      assert.ok(ended.length >= CROWD, `${ended.length} sessions were moved`);
      assert.deepEqual([...new Set(ended.map(({ closed }) => `${closed.code} ${closed.text}`))], ["1012 Draining"]);
      assert.equal(reasonsOf(arrivals.refused), "none");
      assert.deepEqual(arrivals.unheard, []);
      await ledger.end();
      await cluster.kubectl("-n", namespace, "delete", "statefulset", SET, "--wait=false");
    });

    await report.step("a Job completes soon after its process, and fails as its process does", async () => {
      const template = (program: string, labelled = true): V1PodTemplateSpec => {
        const found = pods.running(labelledPods(LONE), program);
        return labelled ? found : { ...found, metadata: { labels: { app: "plain" } } };
      };
      const work = "setTimeout(() => {}, 2000)";
      const ran = async (name: string, pod: V1PodTemplateSpec, ending: string): Promise<number> => {
        const started = Date.now();
        await cluster.apply(namespace, pods.job(name, pod));
        await cluster.until(`job ${name} is ${ending}`, async () => {
          const conditions = (await cluster.get<V1Job>(JOB, namespace, name))?.status?.conditions ?? [];
          const found = conditions.find(
            ({ type, status }) => ["Complete", "Failed"].includes(type) && status === "True",
          );
          assert.equal(found?.type ?? ending, ending, `${found?.reason}: ${found?.message}`);
          return found !== undefined;
        });
        return Date.now() - started;
      };
      const podOf = async (name: string): Promise<V1Pod | undefined> =>
        (await cluster.pods(namespace, `batch.kubernetes.io/job-name=${name}`))[0];
      const plain = await ran("plain", template(work, false), "Complete");
      const took = await ran("works", template(work), "Complete");
      report.figure("sidecar: a Job of 2 s", `${seconds(took)}; without a gateway ${seconds(plain)}`);
      const done = await podOf("works");
      assert.ok(done !== undefined && pods.hasGateway(done));
      assert.equal(done.status?.phase, "Succeeded");
      assert.ok(took < plain + MOST_ADDED, `${took} ms instead of ${plain}`);
      await ran("fails", template("process.exit(3)"), "Failed");
      const failed = await podOf("fails");
      assert.equal(failed?.status?.phase, "Failed");
      assert.equal(pods.processStatus(failed)?.state?.terminated?.exitCode, 3);
    });

    await report.step("a bare pod, one whose name the API server makes, one with another admin port", async () => {
      const alone = await bare("alone", labelledPods(LONE));
      const made = await cluster.api.request<V1Pod>({
        method: "POST",
        path: pathOf(KINDS.Pod, namespace),
        body: {
          ...pods.barePod("", labelledPods(LONE)),
          metadata: { ...labelledPods(LONE).metadata, generateName: "some-" },
        },
      });
      assert.match(nameOf(made), /^some-\w+$/);
      const some = await pods.serving(cluster, namespace, nameOf(made));
      const template = labelledPods(LONE);
      const own = { containerPort: 9090 }; // of the process, which says so
      for (const container of template.spec?.containers ?? []) container.ports = [own];
      assert.match(
        await pods.refusalOf(cluster, namespace, pods.barePod("ported", template)),
        /container "app" declares port 9090, which is the gateway's admin port; give the annotation wsproxy\.dev\/admin-port/,
      );
      const annotations = { [ADMIN_PORT_ANNOTATION]: "9191" };
      const ported = await bare("ported", { ...template, metadata: { ...template.metadata, annotations } });
      for (const pod of [alone, some, ported]) await (await sessionOn(pod)).echo("hello");
      await cluster.condition(namespace, LONE, "Programmed"); // the operator asks the port that the pod has
      const sessions = ledger.live;
      assert.equal(sessions.length, 3);
      for (const pod of [alone, some, ported]) await remove(nameOf(pod));
      for (const session of sessions) {
        const { code, text } = await session.ended(60_000);
        assert.deepEqual([code, text], [1012, "Draining"], session.entry.as);
      }
    });

    await report.step("init containers of the pod's own finish before the gateway starts", async () => {
      const { metadata = {}, spec } = labelledPods(LONE);
      const [process] = pods.running(labelledPods(LONE), LOOK).spec?.containers ?? [];
      assert.ok(spec !== undefined && process !== undefined);
      const pod = await bare("ordered", {
        metadata,
        spec: { ...spec, initContainers: [{ ...process, name: "before" }] },
      });
      assert.deepEqual(
        pod.spec?.initContainers?.map(({ name }) => name),
        ["before", "wsproxy"],
      );
      const [before] = pod.status?.initContainerStatuses ?? [];
      assert.equal(before?.state?.terminated?.message, "ECONNREFUSED");
      const finished = before.state.terminated.finishedAt ?? "never";
      const started = pods.gatewayStatus(pod)?.state?.running?.startedAt ?? "";
      assert.ok(
        new Date(started) >= new Date(finished),
        `it started at ${String(started)}, and "before" ended at ${String(finished)}`,
      );
      await (await sessionOn(pod)).echo("hello");
      await remove("ordered");
    });

    await report.step(
      "a process with a preStop hook of its own keeps it; the status says what that costs",
      async () => {
        const lifecycle = { preStop: { exec: { command: ["node", "--eval", UNTIL_DRAINING] } } };
        const pod = await bare("hooked", await foreignServer(labelledPods(LONE), { lifecycle }));
        assert.deepEqual(pod.spec?.containers[0]?.lifecycle, lifecycle);
        let message = "";
        await cluster.until("the status tells", async () => {
          const { status } = await readProxy(cluster, namespace, LONE);
          message = status?.conditions?.find(({ type }) => type === "Programmed")?.message ?? "";
          return message.includes("preStop");
        });
        assert.match(message, /With a preStop hook of their own: container app\. /);
        const session = await sessionOn(pod);
        await session.echo("hello");
        await remove("hooked");
        const { code, text } = await session.ended(60_000);
        assert.deepEqual([code, text], [1012, "Draining"]);
        await gone("hooked");
      },
    );

    await report.step(
      "a server that knows nothing of us: its health checks work, and its restart holds nothing up",
      async () => {
        const check = { httpGet: { path: "/", port: 3000 }, periodSeconds: 1, failureThreshold: 2 };
        const probes = { livenessProbe: check, readinessProbe: check };
        const python = await pythonServer(cluster, labelledPods(LONE), probes);
        if (python === undefined) report.figure("sidecar: a server in Python", "none: this machine has no Python");
        else await heals("python", python);
        await heals("node", await foreignServer(labelledPods(LONE), probes));
      },
    );

    await report.step("pods that cannot have a gateway are refused, in words", async () => {
      const template = labelledPods(LONE);
      const [process] = template.spec?.containers ?? [];
      assert.ok(process !== undefined && template.spec !== undefined);
      const { metadata = {}, spec } = template;
      const refused: [V1PodTemplateSpec, RegExp][] = [
        [
          { metadata, spec: { ...spec, containers: [{ ...process, ports: [{ containerPort: 8080 }] }] } },
          /container "app" declares port 8080, which is the gateway's; let its process listen on another port, or change spec\.listener\.port of WebSocketProxy "lone"/,
        ],
        [{ metadata, spec: { ...spec, hostNetwork: true } }, /the pod has hostNetwork, .*; remove spec\.hostNetwork/],
        [
          { metadata: { labels: { ...metadata.labels, app: "other" } }, spec },
          /WebSocketProxy "lone" does not select the pod; give the pod the labels "app=lone"/,
        ],
        [
          { metadata, spec: { ...spec, containers: [{ ...process, name: "wsproxy" }] } },
          /a container of the pod is named "wsproxy", as the gateway's is; rename it/,
        ],
      ];
      for (const [pod, words] of refused) {
        const refusal = await pods.refusalOf(cluster, namespace, pods.barePod("refused", pod));
        assert.match(refusal, /admission webhook "inject\.wsproxy\.dev" denied the request/);
        assert.match(refusal, words);
      }
    });
    assert.deepEqual(ledger.disorder(), []);

    /** A pod whose process fails its health check is restarted, and is served again. */
    async function heals(name: string, template: V1PodTemplateSpec): Promise<void> {
      const pod = await bare(name, template);
      const session = await sessionOn(pod);
      await session.echo("hello");
      const since = Date.now();
      assert.equal((await fetch(`http://${pod.status?.podIP}:3000/sick`)).status, 500);
      const { code, text } = await session.ended(60_000);
      assert.deepEqual([code, text], [1013, "BackendLost"]);
      const healed = await pods.serving(cluster, namespace, name, { status: pods.processStatus, times: 1 });
      report.figure(`sidecar: ${name} fails its health check, to ready again`, seconds(Date.now() - since));
      // By SIGTERM, not by SIGKILL: no hook held it to the end of its grace period.
      assert.equal(pods.processStatus(healed)?.lastState?.terminated?.exitCode, 0);
      assert.equal(pods.gatewayStatus(healed)?.restartCount, 0);
      await (await sessionOn(healed)).echo("hello again");
    }
  },
  { minutes: 8 },
);
