import { expect, test } from "vitest";
import { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { ALICE, BOB } from "../../test/fakes/manifests.ts";
import { ran } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

test("kick closes exactly the sessions of one client of a standalone gateway, with 1008 and the reason", async () => {
  const bench = await Standalone.start();
  const alice = await bench.client(ALICE);
  const bob = await bench.client(BOB);
  await bench.alive(alice, "hello");
  await bench.alive(bob, "hi");
  const at = ["--url", `http://127.0.0.1:${bench.adminPort}`, "--token", bench.token];
  const kicked = await ran("kick", ...at, "--client", "alice", "--reason", "maintenance, 5 minutes", "--yes");
  expect(kicked.stderr).toMatch(/^closing 1 session of the client alice\n$/);
  expect(kicked.stdout).toMatch(/^closed 1 session\n.*deny.*\n$/);
  expect(kicked.ended).toBe(0);
  await until("alice is told", () => alice.closed !== undefined);
  expect(alice.closed).toEqual({ code: 1008, reason: "EndedByOperator; maintenance, 5 minutes" });
  await bench.alive(bob, "still here");
  const listed = await ran("sessions", ...at, "--client", "bob", "-o", "json");
  const { sessions } = JSON.parse(listed.stdout) as { sessions: { id: string }[] };
  expect(sessions).toHaveLength(1);
  const one = await ran("kick", ...at, "--session", sessions[0]?.id ?? "", "--yes");
  expect(one.ended).toBe(0);
  await until("bob is told", () => bob.closed !== undefined);
  const none = await ran("kick", ...at, "--session", sessions[0]?.id ?? "", "--yes");
  expect(none.stderr).toMatch(/^wsproxy kick: the session \S+ is not open\n$/);
  expect(none.ended).toBe(1);
});

test("a session beyond those that are read is not said to be closed", async () => {
  const process = await FakeAdminProcess.start();
  const none = { fromClient: 0, fromBackend: 0 };
  const entry = { proxy: "demo/chat", route: "main", address: "192.0.2.7", since: "2026-01-01T00:00:00.000Z" };
  process.answer = ({ query: { after = "" } }, response) => {
    const first = after === "" ? 0 : Number(after) + 1;
    const id = (at: number): string => String(first + at).padStart(9, "0");
    const sessions = Array.from({ length: 1000 }, (_, at) => ({ ...entry, id: id(at), messages: none, bytes: none }));
    response.end(JSON.stringify({ sessions, next: id(999) }));
    return true;
  };
  const at = ["--url", `http://127.0.0.1:${process.port}`, "--token", process.token];
  const { stderr, ended } = await ran("kick", ...at, "--session", "999999999", "--yes");
  expect(stderr).toContain("wsproxy kick: there are more than 100000 sessions; ");
  expect(stderr).toContain(
    "wsproxy kick: the session 999999999 is not among those that were read; close it by --client\n",
  );
  expect(ended).toBe(1);
}, 60_000);
