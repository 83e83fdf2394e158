import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { keyOf } from "../../fakes/api-keys.ts";
import { command } from "../command.ts";
import { reached } from "../dataplane.ts";
import { DebugCommand } from "../debug-command.ts";
import { limitedAccount } from "../limited-account.ts";
import { scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import { sampleBackend } from "../workloads.ts";

const WSPROXY = join(import.meta.dirname, "../../../bin/wsproxy");
const PLUGIN = join(import.meta.dirname, "../../../bin/kubectl-wsproxy");
const NAME = "chat";
const LABELS = { "wsproxy.dev/api-keys": "command-line" };
const PODS = 3;

interface Listed {
  readonly sessions: readonly { readonly id: string; readonly pod: string; readonly client: string }[];
  readonly pods: readonly string[];
}

/** An event of `wsproxy trace -o json`. */
interface Traced {
  readonly event: string;
  readonly pod: string;
  readonly status?: number;
  readonly reason?: string;
  readonly client?: string;
  readonly past?: boolean;
  readonly steps?: readonly { readonly verdict: string; readonly micros?: number }[];
}

function spec(): object {
  const authentication = { apiKey: { secretSelector: { matchLabels: LABELS } } };
  const route = (name: string, policies: object): object => ({
    name,
    path: { value: `/${name}` },
    rewrite: { path: "/" },
    backends: [{ service: "sample-backend", port: "ws" }],
    policies: { authentication, ...policies },
  });
  return {
    gateway: { replicas: PODS },
    dataplane: { drain: { period: "2s" } },
    routes: [route("plain", {}), route("own", { deny: { clients: ["eve"] } })],
  };
}

/** The rules that the reference of the command line shows, for this namespace. */
const RULES = [
  { apiGroups: [""], resources: ["secrets"], resourceNames: [`wsproxy-${NAME}-admin`], verbs: ["get"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
  { apiGroups: [""], resources: ["pods/portforward"], verbs: ["get", "create"] },
  { apiGroups: ["wsproxy.dev"], resources: ["websocketproxies"], verbs: ["get", "patch"] },
];

export default scenario(
  "sessions, kick, trace and debug of the command line, over all pods of a proxy",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    const namespace = await cluster.namespace("command-line");
    const stringData = Object.fromEntries(["alice", "bob", "eve"].map((client) => [client, keyOf(client)]));
    const keys = { apiVersion: "v1", kind: "Secret", metadata: { name: "keys", labels: LABELS }, stringData };
    await cluster.apply(namespace, ...sampleBackend(), keys);
    await cluster.rolledOut(namespace, "sample-backend");
    const url = await cluster.proxy(namespace, NAME, spec());
    const dial = (client: string, route = "plain"): Session =>
      ledger.dial(`${url}/${route}`, { as: client, headers: { "x-api-key": keyOf(client) } });
    await reached(cluster, namespace, NAME, PODS, () => dial("eve").opened());
    const bobs = await Promise.all(Array.from({ length: 6 }, () => dial("bob").opened()));
    const kubeconfig = await limitedAccount(cluster, namespace, "looker", RULES);
    const wsproxy = (...args: readonly string[]): Promise<string> =>
      command(WSPROXY, [...args, "--kubeconfig", kubeconfig], { signal: cluster.signal });
    const listed = async (...args: readonly string[]): Promise<Listed> =>
      JSON.parse(await wsproxy("sessions", NAME, "-o", "json", ...args)) as Listed;
    const alices: Session[] = [];
    await cluster.until("alice has a session on every pod", async () => {
      alices.push(await dial("alice").opened());
      const { sessions } = await listed("--client", "alice");
      return new Set(sessions.map(({ pod }) => pod)).size === PODS;
    });

    await report.step("sessions lists those of all pods, with the rights of the Role in the reference", async () => {
      const { sessions, pods } = await listed();
      assert.equal(sessions.length, alices.length + bobs.length);
      assert.equal(pods.length, PODS);
      assert.equal((await listed("--client", "bob")).sessions.length, bobs.length);
      const table = await command(PLUGIN, ["sessions", NAME, "--kubeconfig", kubeconfig], { signal: cluster.signal });
      assert.match(table, new RegExp(`\\n${sessions.length} sessions on ${PODS} pods; `));
    });

    await report.step("kick by client ends exactly the sessions of this client, with 1008 and the reason", async () => {
      const said = await wsproxy("kick", NAME, "--client", "alice", "--reason", "e2e", "--yes");
      assert.match(said, new RegExp(`^closed ${alices.length} sessions?: `));
      for (const session of alices) {
        const { code, text } = await session.ended();
        assert.deepEqual([code, text], [1008, "EndedByOperator; e2e"]);
      }
      for (const session of bobs) await session.echo("still here");
    });

    await report.step("kick by id ends one session", async () => {
      const [first] = (await listed("--client", "bob")).sessions;
      await wsproxy("kick", NAME, "--session", first?.id ?? "", "--yes");
      await cluster.until("one session has ended", () =>
        Promise.resolve(bobs.filter((one) => !one.isOpen).length === 1),
      );
    });

    await report.step("kick --deny keeps the client out on every route, and leaves the entries of others", async () => {
      await wsproxy("kick", NAME, "--client", "bob", "--deny", "--yes");
      await cluster.until("every session has ended", () => Promise.resolve(bobs.every((one) => !one.isOpen)));
      for (const route of ["plain", "own"]) {
        await cluster.until(`${route} refuses bob`, () =>
          dial("bob", route)
            .refused()
            .then(
              (reason) => reason === "403 Denied",
              () => false,
            ),
        );
      }
      assert.equal(await dial("eve", "own").refused(), "403 Denied");
      await (await dial("alice", "own").opened()).echo("alice is not bob");
    });

    await report.step("trace shows the refusals of all pods, those before it and those that come", async () => {
      const { pods } = await listed();
      const dialled = async (): Promise<void> => {
        for (let n = 0; n < 40; n += 1) {
          assert.equal(await dial("bob").refused(), "403 Denied");
          await sleep(200);
        }
      };
      const query = ["--refused", "--client", "bob", "--for", "8s", "-o", "json"];
      const [lines] = await Promise.all([wsproxy("trace", NAME, ...query), dialled()]);
      const events = lines
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Traced);
      const refused = events.filter(({ event }) => event === "handshake");
      for (const { status, reason, client, pod } of refused) {
        assert.deepEqual([status, reason, client, pods.includes(pod)], [403, "Denied", "bob", true]);
      }
      assert.ok(refused.some(({ past }) => past === true));
      const steps = refused.flatMap(({ past, steps: all = [] }) => (past === true ? [] : all));
      assert.ok(steps.some(({ verdict, micros }) => verdict === "refused" && micros !== undefined));
    });

    await report.step(
      "debug serves the page over all pods, closes a session, and follows pods that go and come",
      async () => {
        const debug = await DebugCommand.start(cluster, NAME, "--kubeconfig", kubeconfig);
        assert.deepEqual(
          await Promise.all(["/debug", "/sessions"].map((path) => debug.statusWithoutToken(path))),
          [200, 401],
        );
        const events = await debug.events();
        const watched = (): readonly string[] => events.findLast(({ name }) => name === "pods")?.pods ?? [];
        await cluster.until("every pod is watched", () => Promise.resolve(watched().length === PODS));

        const session = await dial("alice").opened();
        const { sessions } = (await debug.ask("/sessions?client=alice&route=plain")) as Listed;
        assert.equal(sessions.length, 1);
        const closed = await debug.ask(`/sessions/${sessions[0]?.id}/close?reason=from%20the%20page`, "POST");
        assert.equal((closed as { closed: number }).closed, 1);
        const { code, text } = await session.ended();
        assert.deepEqual([code, text], [1008, "EndedByOperator; from the page"]);
        const [pod = ""] = [sessions[0]?.pod];
        const told = (wanted: string): boolean =>
          events.some(({ name, client, pod: from }) => name === wanted && client === "alice" && from === pod);
        await cluster.until("the page is told of both", () => Promise.resolve(told("handshake") && told("closed")));

        await cluster.kubectl("delete", "pod", pod, "--namespace", namespace, "--wait=false");
        await cluster.until("another pod has its place", () =>
          Promise.resolve(watched().length === PODS && !watched().includes(pod)),
        );
        assert.equal(await debug.stop(), 0);
      },
    );

    await report.step("a missing right is named in a sentence", async () => {
      const missing = async (name: string, rules: readonly object[], words: RegExp): Promise<void> => {
        const file = await limitedAccount(cluster, namespace, name, rules);
        await assert.rejects(command(WSPROXY, ["sessions", NAME, "--kubeconfig", file]), words);
      };
      await missing("no-secret", RULES.slice(1), /status 77[^]*"get" on secrets \(the one named wsproxy-chat-admin\)/);
      await missing("no-pods", RULES.slice(0, 1), /status 77[^]*"list" on pods/);
      await missing("no-forward", RULES.slice(0, 2), /status 77[^]*"get" and "create" on pods\/portforward/);
    });
  },
);
