import { expect, test } from "vitest";
import { FakeApiServer } from "../../test/fakes/api-server.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { silentLog } from "../../test/fakes/log.ts";
import { until } from "../../test/fakes/sockets.ts";
import { systemClock } from "../../runtime/clock.ts";
import { KubeClient } from "./client.ts";
import { isAtLeast, serverVersion, versionIn } from "./server-version.ts";

test.each([
  [{ major: "1", minor: "29", gitVersion: "v1.29.0" }, [1, 29]],
  [{ major: "1", minor: "27+", gitVersion: "v1.27.16-eks-a737599" }, [1, 27]],
  [{ major: "1", minor: "33+k3s1" }, [1, 33]],
  [{ major: "1+", minor: "30" }, [1, 30]],
  [{ major: "", minor: "", gitVersion: "v1.30.4-gke.1348000" }, [1, 30]],
  [{ gitVersion: "v1.28.9+k3s1" }, [1, 28]],
  [{ gitVersion: "1.31.0" }, [1, 31]],
  [{ major: "2", minor: "0" }, [2, 0]],
])("%j is the version %j", (answer, wanted) => {
  expect(versionIn(answer)).toEqual(wanted);
});

test.each([[{}], [null], ["1.29"], [[]], [{ major: "one", minor: "29" }], [{ gitVersion: "devel" }]])(
  "%j says no version",
  (answer) => {
    expect(versionIn(answer)).toBeUndefined();
  },
);

test.each([
  [[1, 28], false],
  [[1, 29], true],
  [[1, 100], true],
  [[2, 0], true],
  [[0, 99], false],
] as const)("is %j at least 1.29? %j", (version, wanted) => {
  expect(isAtLeast(version, [1, 29])).toBe(wanted);
});

test("the API server is asked again, after longer and longer waits, until it answers", async () => {
  const server = await FakeApiServer.start();
  server.fail("GET /version", { status: 503 }, 2);
  server.fail("GET /version", { status: 200, body: JSON.stringify({ major: "1", minor: "30+" }) });
  const clock = new FakeClock();
  const client = new KubeClient(server.kubeConfig(), systemClock);
  const asked = serverVersion({ client, clock, random: () => 1, log: silentLog }, new AbortController().signal);
  for (const wait of [1000, 2000]) {
    await until("it waits", () => clock.has(wait));
    clock.advance(wait);
  }
  expect(await asked).toEqual([1, 30]);
  client.close();
});

test("an API server that refuses to tell is not asked again", async () => {
  const server = await FakeApiServer.start();
  server.fail("GET /version", { status: 403 });
  const client = new KubeClient(server.kubeConfig(), systemClock);
  const options = { client, clock: new FakeClock(), random: () => 1, log: silentLog };
  expect(await serverVersion(options, new AbortController().signal)).toBeUndefined();
  client.close();
});

test("an operator that stops does not wait for the version", async () => {
  const server = await FakeApiServer.start();
  server.fail("GET /version", "silence");
  const client = new KubeClient(server.kubeConfig(), systemClock);
  const stop = new AbortController();
  const asked = serverVersion({ client, clock: new FakeClock(), random: () => 1, log: silentLog }, stop.signal);
  await until("it is asked", () => server.calls.length === 1);
  stop.abort();
  expect(await asked).toBeUndefined();
  client.close();
});
