import { expect, test } from "vitest";
import { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { Program, ran } from "../../test/fakes/program.ts";
import { Standalone } from "../../test/fakes/standalone.ts";
import { ALICE, BOB } from "../../test/fakes/manifests.ts";
import { until } from "../../test/fakes/sockets.ts";

test("lists the sessions of all pods, all pages, of both modes", async () => {
  const cluster = await ProxyCluster.start();
  const first = await cluster.pod("chat-a", [
    { id: "a1", route: "main", client: "alice", messages: 3 },
    { id: "a2", route: "main", client: "bob" },
    { id: "a3", route: "other" },
  ]);
  first.page = 2;
  await cluster.injected("app-b", 9191, [{ id: "b1", route: "main", client: "alice", messages: 1 }]);
  const { stdout, stderr, ended } = await ran("sessions", ...cluster.args);
  expect(stderr).toBe("");
  expect(ended).toBe(0);
  expect(stdout.replaceAll(/ \d+d\d+h +/g, " AGE ").split("\n")).toEqual([
    expect.stringMatching(/^CLIENT +ROUTE +ADDRESS +POD +AGE +MSGS UP +MSGS DOWN +BYTES UP +BYTES DOWN$/),
    expect.stringMatching(/^alice +main +192\.0\.2\.7 +app-b +AGE 1 +2 +100 B +2\.0 kB$/),
    expect.stringMatching(/^alice +main +192\.0\.2\.7 +chat-a +AGE 3 +6 +300 B +6\.0 kB$/),
    expect.stringMatching(/^bob +main +192\.0\.2\.7 +chat-a +AGE 0 +0 +0 B +0 B$/),
    expect.stringMatching(/^- +other +192\.0\.2\.7 +chat-a +AGE 0 +0 +0 B +0 B$/),
    "4 sessions on 2 pods; up 4 messages with 400 B, down 8 messages with 8.0 kB",
    "",
  ]);
});

test("filters where the pods are asked, shows ids with wide, and all fields with json", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a", [
    { id: "a1", route: "main", client: "alice" },
    { id: "a2", route: "main", client: "bob" },
  ]);
  const wide = await ran("sessions", ...cluster.args, "-n", "demo", "--client", "alice", "-o", "wide");
  expect(wide.stdout).toMatch(/SUBPROTOCOL +SESSION\nalice .* - +a1\n1 session on 1 pod;/);
  expect(pod.calls.at(-1)?.query).toEqual({ client: "alice", limit: "1000" });
  const json = await ran("sessions", ...cluster.args, "-o", "json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    sessions: [
      { id: "a1", pod: "chat-a" },
      { id: "a2", pod: "chat-a" },
    ],
    sums: { sessions: 2 },
    pods: ["chat-a"],
    failures: [],
    more: false,
  });
});

test("no text of a client reaches the terminal as a control, a line or a change of direction", async () => {
  const cluster = await ProxyCluster.start();
  const client = "a\u001b]0;x\u0007\nb\u202etac\u009b31m\u200b<img onerror=1>";
  await cluster.pod("chat-a", [{ id: "a1", route: "main", client }]);
  const table = (await ran("sessions", ...cluster.args)).stdout;
  expect(table).toContain("a\ufffd]0;x\ufffd\ufffdb\ufffdtac\ufffd31m\ufffd<img onerror=1>");
  const json = (await ran("sessions", ...cluster.args, "-o", "json")).stdout;
  for (const unsafe of ["\u001b", "\u009b", "\u202e", "\u200b"]) expect(json).not.toContain(unsafe);
  expect(JSON.parse(json)).toMatchObject({ sessions: [{ client }] });
});

test("--watch shows rates, takes pods that come and lets those go that end, without an error", async () => {
  const cluster = await ProxyCluster.start();
  const first = await cluster.pod("chat-a", [{ id: "a1", route: "main", client: "alice", messages: 0 }]);
  const program = new Program(["sessions", ...cluster.args, "--watch"]);
  const lastTable = (): string => program.stdout.split("\n\n").at(-1) ?? "";
  await until("the first table", () => lastTable().includes("alice"));
  for (const session of first.sessions) session.messages = 50;
  await cluster.pod("chat-b", [{ id: "b1", route: "main", client: "bob" }]);
  await until("the second pod", () => /^\d.* +alice[^]*\n- +bob/m.test(lastTable()));
  expect(lastTable()).toContain("2 sessions on 2 pods");
  cluster.remove("chat-a");
  await until("the first pod is gone", () => lastTable().includes("1 session on 1 pod"));
  expect(program.stdout).not.toContain("missing");
  program.signal("SIGINT");
  expect(await program.exit()).toBe(0);
  expect(program.stderr).toBe("");
  expect(program.stdout).not.toContain("\u001b");
}, 30_000);

test("a pod that does not answer is named, and the sessions of the others are shown", async () => {
  const cluster = await ProxyCluster.start();
  await cluster.pod("chat-a", [{ id: "a1", route: "main", client: "alice" }]);
  const other = await cluster.pod("chat-b");
  other.token = "another";
  const { stdout, stderr, ended } = await ran("sessions", ...cluster.args);
  expect(stdout).toContain("1 session on 1 pod");
  expect(stderr).toBe(
    "wsproxy sessions: sessions are missing here: the pod chat-b does not take the token of the Secret wsproxy-chat-admin; a new token reaches a pod within two minutes\n",
  );
  expect(ended).toBe(77);
});

test("a token may begin with a dash; an id that is too long, and an address that is none, are told", async () => {
  const process = await FakeAdminProcess.start([{ id: "s1", route: "main" }]);
  process.token = "-n0-token";
  const at = ["--url", `http://127.0.0.1:${process.port}`, "--token", process.token];
  const { stdout, ended } = await ran("sessions", ...at);
  expect(stdout).toContain("1 session; ");
  expect(ended).toBe(0);
  const long = await ran("sessions", ...at, "--client", "x".repeat(100_000));
  expect(long.stderr).toMatch(/^wsproxy sessions: what is asked for is too long for 127\.0\.0\.1:\d+\n$/);
  expect(long.ended).toBe(1);
  const wrong = await ran("sessions", ...at, "--address", "localhost");
  expect(wrong.stderr).toMatch(/^wsproxy sessions: --address is not an IP address\n/);
  expect(wrong.ended).toBe(64);
});

test("lists the sessions of a standalone gateway, and never shows its token", async () => {
  const bench = await Standalone.start();
  await bench.alive(await bench.client(ALICE), "hello");
  await bench.alive(await bench.client(BOB), "hi");
  const url = `http://127.0.0.1:${bench.adminPort}`;
  const program = await ran("sessions", "--url", url, "--token", bench.token);
  expect(program.stderr).toBe("");
  expect(program.stdout).toMatch(/\nalice +\S+ +127\.0\.0\.1 +\d+s +1 +1 +5 B +5 B\n/);
  expect(program.stdout).toContain("2 sessions; up 2 messages with 7 B, down 2 messages with 7 B");
  const [link = ""] = /http:\S+#token=\S+/.exec(bench.program.stderr) ?? [];
  const linked = await ran("sessions", "--url", link, "-o", "json");
  expect(JSON.parse(linked.stdout)).toMatchObject({ sums: { sessions: 2 } });
  const wrong = await ran("sessions", "--url", url, "--token", "not-the-token");
  expect(wrong.stderr).toContain("does not take this token");
  expect(wrong.stderr).not.toContain("not-the-token");
  expect(wrong.ended).toBe(77);
});
