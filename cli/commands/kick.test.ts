import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { ran } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import type { CommandIO } from "../line/command.ts";
import { runCommandLine } from "../run.ts";

const NOTE = "the client may connect again; deny keeps it out";

/** The command at a terminal, in this process. */
function atTerminal(args: readonly string[]): { input: PassThrough; said: () => string; ended: Promise<number> } {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const streams = [new PassThrough(), new PassThrough()].map((stream) => Object.assign(stream, { isTTY: true }));
  let said = "";
  for (const stream of streams) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const never = new AbortController().signal;
  const [out, err] = streams;
  const io = { stdin: input, out, err, faults: {}, signals: () => ({ stop: never, now: never, dispose: () => {} }) };
  return { input, said: () => said, ended: runCommandLine(args, io as unknown as CommandIO) };
}

test("closes exactly the sessions of one client, on all pods, with the reason", async () => {
  const cluster = await ProxyCluster.start();
  const first = await cluster.pod("chat-a", [
    { id: "a1", route: "main", client: "alice" },
    { id: "a2", route: "main", client: "alice" },
    { id: "a3", route: "main", client: "bob" },
  ]);
  const second = await cluster.pod("chat-b", [{ id: "b1", route: "main", client: "alice" }]);
  await cluster.pod("chat-c", [{ id: "c1", route: "main", client: "carol" }]);
  const { stdout, stderr, ended } = await ran(
    "kick",
    ...cluster.args,
    "--client",
    "alice",
    "--reason",
    "Zeit!",
    "--yes",
  );
  expect(stderr).toBe("closing 3 sessions of the client alice on 2 pods (chat-a: 2, chat-b: 1)\n");
  expect(stdout).toBe(`closed 3 sessions: chat-a: 2, chat-b: 1\n${NOTE}\n`);
  expect(ended).toBe(0);
  expect(first.sessions.map(({ id }) => id)).toEqual(["a3"]);
  expect(second.calls.at(-1)).toEqual({
    method: "POST",
    path: "/sessions/close",
    query: { client: "alice", reason: "Zeit!" },
  });
});

test("closes one session by its id, and asks no other pod to", async () => {
  const cluster = await ProxyCluster.start();
  const first = await cluster.pod("chat-a", [{ id: "a/1?x", route: "main" }]);
  const second = await cluster.pod("chat-b", [{ id: "b1", route: "main" }]);
  first.answer = (call, response) => {
    if (call.method !== "POST") return false;
    first.sessions = [];
    return response.end(JSON.stringify({ closed: 1, note: NOTE })) !== undefined;
  };
  const { stdout, ended } = await ran("kick", ...cluster.args, "--session", "a/1?x", "-y");
  expect(stdout).toBe(`closed 1 session: chat-a: 1\n${NOTE}\n`);
  expect(ended).toBe(0);
  expect(first.calls.at(-1)?.path).toBe("/sessions/a%2F1%3Fx/close");
  expect(second.calls.filter(({ method }) => method === "POST")).toEqual([]);
});

test("a session that ends in the moment of the kick is not closed, and no failure", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a", [{ id: "a1", route: "main" }]);
  const kick = atTerminal(["kick", ...cluster.args, "--session", "a1"]);
  await until("the question", () => kick.said().includes("close the session a1 on 1 pod (chat-a: 1)? [y/N] "));
  pod.sessions = [];
  kick.input.write("y\n");
  expect(await kick.ended).toBe(1);
  expect(kick.said()).toMatch(/closed 0 sessions; what was found has ended meanwhile\n$/);
});

test("a pod that cannot filter is of an earlier version", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  pod.answer = (_call, response) => response.writeHead(400).end("this page takes limit and after only\n") !== undefined;
  const { stderr, ended } = await ran("kick", ...cluster.args, "--client", "alice", "--yes");
  expect(stderr).toBe(
    "wsproxy kick: chat-a does not know a parameter of /sessions: its gateway is of an earlier version; update it\n",
  );
  expect(ended).toBe(1);
});

test("without a terminal it needs --yes, and nothing is asked of the cluster", async () => {
  const cluster = await ProxyCluster.start();
  const { stderr, ended } = await ran("kick", ...cluster.args, "--route", "main");
  expect(stderr).toBe("wsproxy kick: there is no terminal to ask on; add --yes\n");
  expect(ended).toBe(64);
  expect(cluster.api.calls).toEqual([]);
});

test.each([
  ["y\n", 0, 0],
  ["yes\n", 0, 0],
  ["n\n", 1, 1],
  ["\n", 1, 1],
  [undefined, 1, 1],
])("at a terminal it asks: %j ends with %i", async (answer, code, left) => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a", [{ id: "a1", route: "main" }]);
  const kick = atTerminal(["kick", ...cluster.args, "--route", "main"]);
  await until("the question", () =>
    kick.said().includes("close 1 session of the route main on 1 pod (chat-a: 1)? [y/N] "),
  );
  if (answer === undefined) kick.input.end();
  else kick.input.write(answer);
  expect(await kick.ended).toBe(code);
  expect(pod.sessions).toHaveLength(left);
  expect(kick.said().includes("nothing was closed")).toBe(left === 1);
});

test("says that there is nothing to close, and ends with 1", async () => {
  const cluster = await ProxyCluster.start();
  await cluster.pod("chat-a");
  const { stdout, stderr, ended } = await ran("kick", ...cluster.args, "--client", "x\u001b[2J", "--yes");
  expect([stdout, stderr, ended]).toEqual(["", "wsproxy kick: no session of the client x\ufffd[2J is open\n", 1]);
});

test("a pod that cannot close is named, and the exit code says it", async () => {
  const cluster = await ProxyCluster.start();
  await cluster.pod("chat-a", [{ id: "a1", route: "main" }]);
  const other = await cluster.pod("chat-b", [{ id: "b1", route: "main" }]);
  other.old = true;
  const { stdout, stderr, ended } = await ran("kick", ...cluster.args, "--route", "main", "--yes");
  expect(stdout).toContain("closed 1 session: chat-a: 1\n");
  expect(stderr).toContain(
    "wsproxy kick: its sessions were not closed: chat-b does not know /sessions/close: its gateway is of an earlier version; update it\n",
  );
  expect(ended).toBe(1);
});

test.each([
  [["chat"], "name what to close: --session, --client or --route"],
  [["chat", "--client", "a", "--route", "b"], "--client and --route do not go together"],
  [["chat", "--route", "b", "--deny"], "--deny goes with --client"],
  [["chat", "--client", "a".repeat(257), "--deny"], "--deny takes a client id of at most 256 characters"],
  [["chat", "--client", "a", "--reason", "x".repeat(1025)], "--reason has more than 1024 characters"],
  [["--client", "a"], "PROXY is missing; name a WebSocketProxy, or one process with --url"],
  [["chat", "more", "--client", "a"], '"more" is one argument too many'],
  [["Chat!", "--client", "a"], '"Chat!" cannot be the name of a WebSocketProxy; its namespace goes with -n'],
  [["chat", "-n", "A b", "--client", "a"], '--namespace "A b" cannot be the name of a namespace'],
  [
    ["chat", "--token", "x", "--client", "a"],
    "--token goes with --url only; in a cluster the token is read from its Secret",
  ],
  [
    ["--url", "http://127.0.0.1:1", "-n", "demo", "--client", "a"],
    "with --url, --namespace goes with PROXY: one proxy of the process",
  ],
  [
    ["--url", "http://127.0.0.1:1", "--client", "a"],
    "--token or --token-file is missing; standalone prints its token when it starts",
  ],
  [
    ["--url", "http://a.test:1", "--token", "s3cret", "--client", "a"],
    "--url names a host; the admin port is asked by an IP address or localhost; write for example http://127.0.0.1:9090",
  ],
  [
    ["--url", "ftp://s3cret", "--client", "a"],
    "--url is not a URL with http://; write for example http://127.0.0.1:9090",
  ],
  [
    ["--url", "http://u:s3cret@127.0.0.1", "--client", "a"],
    "--url has a user or a query; write for example http://127.0.0.1:9090",
  ],
  [
    ["--url", "http://127.0.0.1:1", "--token", "s3cret with spaces", "--client", "a"],
    "the token has characters that no token has",
  ],
  [
    ["--url", "http://127.0.0.1:1", "--token", "x", "--client", "a", "--context", "c"],
    "--context is about a cluster; it does not go with --url",
  ],
  [
    ["--url", "http://127.0.0.1:1", "--token", "x", "--client", "a", "--deny"],
    "--deny changes a WebSocketProxy of a cluster; without one, add the client to deny.clients in its file",
  ],
] as const)("wrong usage: %j", async (args, message) => {
  const kick = atTerminal(["kick", ...args]);
  expect(await kick.ended).toBe(64);
  expect(kick.said().split("\n")[0]).toBe(`wsproxy kick: ${message}`);
  expect(kick.said()).not.toContain("s3cret");
});

describe("--deny", () => {
  const put = (cluster: ProxyCluster, spec: object, more: object = {}): void => {
    const metadata = { name: "chat", namespace: "demo", ...more };
    cluster.api.put({ apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", metadata, spec });
  };
  const kicked = (cluster: ProxyCluster): ReturnType<typeof ran> =>
    ran("kick", ...cluster.args, "--client", "alice", "--deny", "--yes");
  const spec = {
    policies: { deny: { clients: ["eve"] } },
    routes: [
      { name: "own", policies: { deny: { clients: ["mallory"] } } },
      { name: "inherits", policies: { origins: {} } },
    ],
  };

  test("adds the client in spec.policies and in each route with a deny of its own, then closes its sessions", async () => {
    const cluster = await ProxyCluster.start();
    const pod = await cluster.pod("chat-a", [{ id: "a1", route: "own", client: "alice" }]);
    const fieldsV1 = { "f:spec": { "f:policies": { "f:deny": { "f:clients": { 'v:"trudy"': {} } } } } };
    put(cluster, spec, { managedFields: [{ manager: "wsproxy-kick", operation: "Apply", fieldsV1 }] });
    const before = cluster.api.get("WebSocketProxy", "demo", "chat")?.metadata;
    const { stdout, stderr, ended } = await kicked(cluster);
    expect(stderr).toBe(
      "closing 1 session of the client alice on 1 pod (chat-a: 1), and refuse the client from now on\n",
    );
    expect(stdout).toBe(
      "the client alice is refused from now on: it is in deny.clients of spec.policies and of the route own, which has a deny of its own\nclosed 1 session: chat-a: 1\n",
    );
    expect(ended).toBe(0);
    expect(pod.sessions).toEqual([]);
    const [apply] = cluster.api.writes;
    expect(apply).toMatchObject({
      method: "PATCH",
      path: "/apis/wsproxy.dev/v1alpha1/namespaces/demo/websocketproxies/chat",
      query: { fieldManager: "wsproxy-kick", force: "false" },
    });
    expect(apply?.headers["content-type"]).toBe("application/apply-patch+yaml");
    expect(apply?.body).toEqual({
      apiVersion: "wsproxy.dev/v1alpha1",
      kind: "WebSocketProxy",
      metadata: { name: "chat", namespace: "demo", uid: before?.uid, resourceVersion: before?.resourceVersion },
      spec: {
        policies: { deny: { clients: ["trudy", "alice"] } },
        routes: [{ name: "own", policies: { deny: { clients: ["alice"] } } }],
      },
    });
  });

  test("a client that is refused already is said to be, and nothing is written; without sessions too", async () => {
    const cluster = await ProxyCluster.start();
    await cluster.pod("chat-a");
    put(cluster, { policies: { deny: { clients: ["alice"] } }, routes: [{ name: "main" }] });
    const { stdout, ended } = await kicked(cluster);
    expect(stdout).toBe("the client alice was refused already: it is in deny.clients of spec.policies\n");
    expect(ended).toBe(0);
    expect(cluster.api.writes).toEqual([]);
  });

  test("another edit at the same time is read, and the apply tried again", async () => {
    const cluster = await ProxyCluster.start();
    await cluster.pod("chat-a");
    put(cluster, { routes: [] });
    cluster.api.fail("PATCH", { status: 409, reason: "Conflict" }, 2);
    expect((await kicked(cluster)).ended).toBe(0);
    expect(cluster.api.writes).toHaveLength(3);
  });

  test.each([
    [
      { status: 403, reason: "Forbidden" },
      77,
      'your account lacks a right in namespace demo: "get" and "patch" on websocketproxies (the one named chat)',
    ],
    [
      {
        status: 422,
        reason: "Invalid",
        body: JSON.stringify({ kind: "Status", reason: "Invalid", message: "too many" }),
      },
      1,
      "the API server answers 422 Invalid: too many",
    ],
    [
      {
        status: 409,
        reason: "Conflict",
        body: JSON.stringify({
          kind: "Status",
          reason: "Conflict",
          message: 'Apply failed with 1 conflict: conflict with "kubectl"',
        }),
      },
      1,
      "deny.clients belongs to another writer as a whole: the CRD of this cluster is of an earlier version; update it, or edit deny.clients where it is written",
    ],
  ] as const)("where the client cannot be denied nothing is closed: %j", async (fault, code, message) => {
    const cluster = await ProxyCluster.start();
    const pod = await cluster.pod("chat-a", [{ id: "a1", route: "main", client: "alice" }]);
    put(cluster, spec);
    cluster.api.fail("PATCH", fault);
    const { stderr, ended } = await kicked(cluster);
    expect(stderr.split("\n")[1]).toBe(`wsproxy kick: ${message}`);
    expect(ended).toBe(code);
    expect(pod.sessions).toHaveLength(1);
  });
});
