import { expect, test } from "vitest";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { Program, ran } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import {
  condition,
  endpoints,
  FIGURES,
  minutesAgo,
  podStatus,
  proxy,
  refusal,
  says,
} from "../../test/fakes/status-scene.ts";

test("where all is well it says so part by part, and ends with 0", async () => {
  const cluster = await ProxyCluster.start();
  proxy(cluster);
  endpoints(cluster, "echo", [true, true, false]);
  for (const name of ["chat-a", "chat-b"]) says(await cluster.pod(name, [], podStatus()));
  const { stdout, stderr, ended } = await ran("status", ...cluster.args);
  expect(stderr).toBe("");
  expect(stdout.split("\n")).toEqual([
    "demo/chat  mode Gateway, generation 1",
    "",
    expect.stringMatching(/^CONDITION +STATUS +REASON +SINCE +MESSAGE$/),
    expect.stringMatching(/^Accepted +True +Accepted +1h1m +all is well$/),
    expect.stringMatching(/^ResolvedRefs +True /),
    expect.stringMatching(/^Programmed +True /),
    expect.stringMatching(/^Ready +True /),
    "",
    expect.stringMatching(/^POD +READY +RESTARTS +AGE +GENERATION +CONFIG +SESSIONS +SAYS$/),
    expect.stringMatching(/^chat-a +yes +0 +\S+ +1 +aaaaaaaaaaaa +3$/),
    expect.stringMatching(/^chat-b +yes +0 +\S+ +1 +aaaaaaaaaaaa +3$/),
    "",
    expect.stringMatching(/^BACKEND +READY ENDPOINTS +ROUTES$/),
    expect.stringMatching(/^echo:8080 +2 of 3 +main$/),
    "",
    expect.stringMatching(/^LIMIT +USED +OF +SHARE +FULLEST$/),
    expect.stringMatching(/^sessions of a pod +3 +100 +3 % +chat-[ab]$/),
    expect.stringMatching(/^buffer budget +1\.0 kB +1\.0 MB +0 % +chat-[ab]$/),
    "",
    "no handshake was refused lately",
    "",
    "all is well",
    "",
  ]);
  expect(ended).toBe(0);
});

test("each problem has its next command, complete, and it ends with 1", async () => {
  const cluster = await ProxyCluster.start();
  const connections = [
    { per: "Route", limit: 4 },
    { per: "Proxy", limit: 1000 },
  ];
  const backends = [
    { service: "echo", port: 8080 },
    { service: "gone", port: "ws" },
  ];
  const spec = {
    listener: { tls: { secretName: "chat-tls" } },
    store: { address: "valkey:6379" },
    policies: { connections },
    routes: [{ name: "main", backends }],
  };
  const bad = condition("ResolvedRefs", "False", "SecretNotFound", "Secret echo-ca is missing");
  const status = { routes: [{ name: "main", conditions: [condition("Accepted"), bad] }] };
  proxy(cluster, { spec, status });
  endpoints(cluster, "echo", [false]);
  const soon = Date.now() / 1000 + 3.5 * 86_400;
  const metrics = `${FIGURES}wsproxy_store_available{proxy="demo/chat"} 0
wsproxy_certificate_start_timestamp_seconds{proxy="demo/chat"} 0
wsproxy_certificate_expiry_timestamp_seconds{proxy="demo/chat"} ${soon}
wsproxy_descriptors_limit 100
wsproxy_descriptors_used 90
`;
  const refusals = [
    refusal("CredentialInvalid", 401, 4000),
    refusal("CredentialInvalid", 401, 50, { client: "ali\u202e\u001b[1mce\nx", path: "/chat" }),
    refusal("BackendUnreachable", 502, 5),
  ];
  says(await cluster.pod("chat-a", [], podStatus()), { metrics, refusals });
  const terminated = { reason: "OOMKilled", exitCode: 137, finishedAt: minutesAgo(3) };
  const crashed = podStatus({}, { restartCount: 4, lastState: { terminated } });
  const rejected = { hash: "b".repeat(64), stage: "config", problems: ["config.x: unknown field"] };
  says(await cluster.pod("chat-b", [], crashed), { generation: 0, hash: "c".repeat(64), rejected });
  says(await cluster.pod("chat-c", [], podStatus()), { generation: 0, hash: "c".repeat(64) });
  const waiting = { name: "dataplane", state: { waiting: { reason: "ImagePullBackOff" } } };
  const labels = { "app.kubernetes.io/component": "dataplane", "wsproxy.dev/proxy": "wsproxy-chat" };
  cluster.put("chat-d", labels, { status: { phase: "Pending", containerStatuses: [waiting] } });
  const { stdout, ended } = await ran("status", ...cluster.args, "--context", "here");
  const k = `kubectl --kubeconfig ${cluster.kubeconfig} --context here --namespace demo`;
  const w = `--kubeconfig ${cluster.kubeconfig} --context here --namespace demo chat`;
  const problems = stdout.slice(stdout.indexOf("problems:\n") + 10);
  const entries = problems.split(/^- /m).slice(1);
  expect(entries.map((text) => text.replaceAll("  next: ", "").split("\n").slice(0, -1))).toEqual([
    [
      "route main: ResolvedRefs is False, SecretNotFound: Secret echo-ca is missing",
      `${k} get secrets,configmaps,services`,
      `${k} edit wsp chat`,
    ],
    [
      expect.stringMatching(/^the data plane of pod chat-b ended at \S+ with OOMKilled \(137\), restarts: 4$/),
      `${k} logs chat-b --container dataplane --previous --tail 50`,
    ],
    [
      "pod chat-b refuses the newest config: config.x: unknown field",
      `${k} logs chat-b --container dataplane --tail 50`,
    ],
    ["pod chat-c serves generation 0 of 1", `${k} logs chat-c --container dataplane --tail 50`],
    ["pod chat-d is not ready: ImagePullBackOff", `${k} describe pod chat-d`],
    [
      "Service echo:8080 has no ready endpoint (1 that is not), the backend of route main",
      `${k} describe service echo`,
    ],
    ["there is no Service gone, the backend of route main", `${k} get services`],
    [
      "the certificate of the listener expires in 3 days: renew the Secret; no pod has to be restarted",
      `${k} describe secret chat-tls`,
    ],
    ["file descriptors: 90 % are used (chat-a)", `wsproxy sessions ${w} --watch`],
    ["connections per Route of main: 225 % are used", `wsproxy sessions ${w} --watch`],
    ["the store of shared limits does not answer 1 of 1 (chat-a)", `${k} logs chat-a --container dataplane --tail 50`],
    [
      "1 handshake of the last 10 minutes got 502 BackendUnreachable, the last on route main",
      `wsproxy trace ${w} --refused`,
    ],
  ]);
  expect(stdout).toMatch(
    /^401 CredentialInvalid +2 +1 +5\ds ago +ali\ufffd\ufffd\[1mce x +192\.0\.2\.7 +main +\/chat$/m,
  );
  expect(stdout).toContain(`\nnext: wsproxy trace ${w} --refused\n`);
  expect(stdout).toMatch(/^chat-d +no +0 +\S+ +- +- +- +Pending, ImagePullBackOff$/m);
  expect(ended).toBe(1);
  const json = await ran("status", ...cluster.args, "-o", "json");
  expect(json.ended).toBe(1);
  for (const unsafe of ["\u001b", "\u202e"]) expect(json.stdout).not.toContain(unsafe);
  expect(JSON.parse(json.stdout)).toMatchObject({
    gateway: "demo/chat",
    generation: 1,
    pods: [{ pod: "chat-a", ready: true, sessions: 3, serves: { generation: 1 } }, {}, {}, { phase: "Pending" }],
    backends: [
      { service: "echo", ready: 0, all: 1 },
      { service: "gone", state: "NoService" },
    ],
    certificates: [{ daysLeft: 3 }],
    refusals: [{ reason: "BackendUnreachable" }, { reason: "CredentialInvalid", count: 2, recent: 1 }],
    missing: [],
  });
}, 30_000);

test("a right that is missing is named, and the other parts are there", async () => {
  const cluster = await ProxyCluster.start();
  proxy(cluster);
  says(await cluster.pod("chat-a", [], podStatus()));
  const forbidden = { status: 403, reason: "Forbidden" };
  const missing = (what: string): string =>
    `wsproxy status: a part is missing: your account lacks a right in namespace demo: ${what}\n`;
  cluster.api.fail("GET /apis/discovery.k8s.io/v1/namespaces/demo/endpointslices", forbidden);
  cluster.api.fail("GET /api/v1/namespaces/demo/secrets", forbidden);
  const first = await ran("status", ...cluster.args);
  expect(first.stdout).toMatch(/^Accepted +True/m);
  expect(first.stdout).toMatch(/^chat-a +yes +0 +\S+ +- +- +-$/m);
  expect(first.stderr).toContain(missing('"list" on endpointslices'));
  expect(first.stderr).toContain(missing('"get" on secrets (the one named wsproxy-chat-admin)'));
  expect(first.stdout).toContain("\nno problem in what could be read\n");
  expect(first.ended).toBe(77);
  endpoints(cluster, "echo", [true]);
  cluster.api.fail("GET /apis/wsproxy.dev/v1alpha1/namespaces/demo/websocketproxies", forbidden);
  const second = await ran("status", ...cluster.args);
  expect(second.stderr).toContain(missing('"get" on websocketproxies (the one named chat)'));
  expect(second.stdout).toMatch(/^chat-a +yes +0 +\S+ +1 +a{12} +3$/m);
  expect(second.ended).toBe(77);
});

test("a pod that does not answer holds up the others for 5 s at most, and its line says so", async () => {
  const cluster = await ProxyCluster.start();
  proxy(cluster);
  endpoints(cluster, "echo", [true]);
  says(await cluster.pod("chat-a", [], podStatus()));
  const slow = await cluster.pod("chat-b", [], podStatus());
  slow.answer = (_call, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("{");
    return true;
  };
  const { stdout, ended } = await ran("status", ...cluster.args);
  expect(stdout).toMatch(/^chat-a +yes .* 3$/m);
  expect(stdout).toMatch(/^chat-b +yes +0 +\S+ +- +- +- +chat-b gives no answer within 5 s$/m);
  expect(stdout).toContain(
    "- pod chat-b does not say what it serves: chat-b gives no answer within 5 s\n  next: kubectl ",
  );
  expect(ended).toBe(1);
}, 30_000);

test("Ctrl-C ends it at once, and is no success", async () => {
  const cluster = await ProxyCluster.start();
  proxy(cluster);
  const slow = await cluster.pod("chat-a", [], podStatus());
  slow.answer = () => true;
  const program = new Program(["status", ...cluster.args]);
  await until("the pod is asked", () => slow.calls.length > 0);
  program.signal("SIGINT");
  expect(await program.exit()).toBe(69);
  expect(program.stderr).toBe("wsproxy status: stopped before it was done\n");
  expect(program.stdout).toBe("");
});

test("in mode Sidecar the injected pods are told of, with their own port and container", async () => {
  const cluster = await ProxyCluster.start();
  proxy(cluster, { spec: { mode: "Sidecar", routes: [{ name: "main", backends: [{ port: 9000 }] }] } });
  says(await cluster.injected("app-a", 9191));
  const { stdout, ended } = await ran("status", ...cluster.args);
  expect(stdout).toMatch(/^demo\/chat {2}mode Sidecar, /);
  expect(stdout).toMatch(/^app-a +no +0 +\S+ +1 +a{12} +3 +Pending$/m);
  expect(stdout).not.toContain("BACKEND");
  expect(stdout).toContain(
    `- pod app-a is not ready: Pending\n  next: kubectl --kubeconfig ${cluster.kubeconfig} --namespace demo describe pod app-a\n`,
  );
  expect(ended).toBe(1);
});

test("a proxy without pods, without an operator, and one that is not there are told in a sentence", async () => {
  const cluster = await ProxyCluster.start();
  proxy(cluster, { status: { observedGeneration: 0 } });
  endpoints(cluster, "echo", [true]);
  const { stdout, stderr, ended } = await ran("status", ...cluster.args);
  const kubectl = `kubectl --kubeconfig ${cluster.kubeconfig}`;
  expect(stdout).toContain(`2 problems:
- no operator has worked on the last edit: the status is about generation 0 of 1
  next: ${kubectl} get pods --all-namespaces --selector app.kubernetes.io/name=wsproxy,app.kubernetes.io/component=operator
- no pod has its data plane
  next: ${kubectl} --namespace demo get deployments,replicasets,pods --selector wsproxy.dev/proxy=wsproxy-chat
`);
  expect(stderr).toBe("");
  expect(ended).toBe(1);
  const other = await ran("status", "nothing", "--kubeconfig", cluster.kubeconfig);
  expect(other.stderr).toBe(
    'wsproxy status: there is no WebSocketProxy nothing in namespace demo; "kubectl get wsp -A" lists all\n',
  );
  expect(other.ended).toBe(1);
});
