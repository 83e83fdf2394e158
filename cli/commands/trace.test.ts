import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { Program, ran } from "../../test/fakes/program.ts";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { until } from "../../test/fakes/sockets.ts";

const AT = "2026-01-01T00:00:01.000Z";
const refusal = { at: AT, proxy: "demo/chat", route: "main", client: "alice", status: 401, reason: "TokenExpired" };

const streaming = (...pods: FakeAdminProcess[]): Promise<void> =>
  until("every stream is open", () => pods.every(({ streams }) => streams.size === 1));

test("shows what happens in all pods, those that come too, until Ctrl-C", async () => {
  const cluster = await ProxyCluster.start();
  const first = await cluster.pod("chat-a");
  const program = new Program(["trace", ...cluster.args, "--client", "alice", "--refused"]);
  await streaming(first);
  expect(first.calls.at(-1)).toMatchObject({ path: "/debug/events", query: { client: "alice", outcome: "refused" } });
  first.tell("watching", { at: AT, proxies: ["demo/chat"], payload: false });
  first.tell("handshake", { ...refusal, past: true });
  await until("the kept refusal", () => program.stdout.includes("chat-a  alice  main  401 TokenExpired  (earlier)\n"));
  const second = await cluster.pod("chat-b");
  await streaming(second);
  const steps = [{ name: "authentication", verdict: "refused", reason: "TokenExpired", micros: 85 }];
  second.tell("handshake", { ...refusal, millis: 0.2, steps });
  await until("the handshake of the other pod", () =>
    program.stdout.endsWith(
      "chat-b  alice  main  401 TokenExpired  200 µs\n    ✗  authentication  85 µs  TokenExpired\n",
    ),
  );
  program.signal("SIGINT");
  expect(await program.exit()).toBe(0);
  expect(program.stderr).toBe("wsproxy trace: watching demo/chat; Ctrl-C ends it\n");
}, 30_000);

test("-o json is one line for each event, with its name and its pod, and --for ends it", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const program = new Program(["trace", ...cluster.args, "-o", "json", "--for", "1500ms"]);
  await streaming(pod);
  pod.tell("handshake", { ...refusal, client: "a\u001b\u202e\n", pod: "forged", event: "forged" });
  pod.tell("novelty", { at: AT, n: 1 });
  expect(await program.exit()).toBe(0);
  expect(program.stderr).toBe("");
  const lines = program.stdout.trimEnd().split("\n");
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
    { ...refusal, client: "a\u001b\u202e\n", event: "handshake", pod: "chat-a" },
    { at: AT, n: 1, event: "novelty", pod: "chat-a" },
  ]);
  for (const unsafe of ["\u001b", "\u202e"]) expect(program.stdout).not.toContain(unsafe);
}, 30_000);

test("a trace of a session comes from the one pod that has it, and ends with it", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const other = await cluster.pod("chat-b");
  other.answer = (call, response) => {
    if (!call.path.startsWith("/debug/")) return false;
    response.writeHead(404).end("no such session is open here\n");
    return true;
  };
  const program = new Program(["trace", ...cluster.args, "--frames", "--session", "s1", "--payload", "16"]);
  await streaming(pod);
  expect(pod.calls.at(-1)?.query).toEqual({ session: "s1", seconds: "600", payload: "16" });
  const frame = { at: AT, session: "s1", direction: "fromClient", opcode: 1, fin: true, size: 2, verdict: "forwarded" };
  pod.tell("frame", { ...frame, payload: "hi" });
  await until("the frame", () => program.stdout.endsWith('chat-a  ↑  text  fin  2 B  forwarded  "hi"\n'));
  for (const stream of pod.streams) stream.end();
  expect(await program.exit()).toBe(0);
  expect(program.stderr).toBe(
    "wsproxy trace: watching demo/chat; Ctrl-C ends it\nwsproxy trace: the trace is over: its time is, or the session has ended\n",
  );
  pod.answer = other.answer;
  const none = await ran("trace", ...cluster.args, "--frames", "--session", "s2");
  expect(none.stderr).toMatch(/^wsproxy trace: chat-[ab] answers 404: no such session is open here\n$/);
  expect(none.ended).toBe(1);
}, 30_000);

test.each([
  [503, "5 streams of events and frames are open already; end one of them, then try again"],
  [403, "demo/chat shows no payload: dataplane.debug.payload is not Allowed in the config in force"],
])("a gateway that answers %i ends it with 1 and one sentence", async (status, sentence) => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  pod.answer = (_call, response) => response.writeHead(status).end(`${sentence}\n`) !== undefined;
  const { stdout, stderr, ended } = await ran(
    "trace",
    ...cluster.args,
    "--frames",
    "--client",
    "alice",
    "--payload",
    "8",
  );
  expect(stdout).toBe("");
  expect(stderr).toBe(`wsproxy trace: chat-a answers ${status}: ${sentence}\n`);
  expect(ended).toBe(1);
});

test("a pipe that is closed ends it with 0", async () => {
  const cluster = await ProxyCluster.start();
  const pod = await cluster.pod("chat-a");
  const file = join(import.meta.dirname, "../../bin/wsproxy");
  const child = spawn(file, ["trace", ...cluster.args], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const exit = once(child, "close");
  await streaming(pod);
  child.stdout.destroy();
  const flood = setInterval(() => pod.tell("handshake", refusal), 20);
  onTestFinished(() => clearInterval(flood));
  expect(await exit).toEqual([0, null]);
  expect(said).toBe("wsproxy trace: watching demo/chat; Ctrl-C ends it\n");
});

test.each([
  [["--frames"], "--frames goes with --client or --session, one of them"],
  [["--frames", "--client", "a", "--session", "s"], "--frames goes with --client or --session, one of them"],
  [["--frames", "--client", "a", "--refused"], "--refused does not go with --frames"],
  [["--payload", "1"], "--payload goes with --frames"],
  [["--frames", "--client", "a", "--payload", "1025"], "--payload is a number of bytes from 0 to 1024"],
  [["--address", "here"], "--address is not an IP address"],
  [["--for", "0s"], "--for is a time from 1ms to 24 days, such as 60s"],
  [["--for", "1000h"], "--for is a time from 1ms to 24 days, such as 60s"],
])("%j is wrong usage", async (args, sentence) => {
  const { stderr, ended } = await ran("trace", "chat", ...args);
  expect(stderr).toContain(`wsproxy trace: ${sentence}\n`);
  expect(ended).toBe(64);
});
