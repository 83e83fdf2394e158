import { expect, test } from "vitest";
import { ProxyCluster } from "../../test/fakes/proxy-cluster.ts";
import { ran } from "../../test/fakes/program.ts";

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
