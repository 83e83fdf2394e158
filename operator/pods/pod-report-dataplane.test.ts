import { describe, expect, onTestFinished, test } from "vitest";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import { TestGateway } from "../../test/fakes/gateway.ts";
import { configOf, endpointsOf } from "../../test/fakes/config.ts";
import { askPods, type PodAnswer } from "./pod-report.ts";

const TOKEN = "a-token-of-enough-characters";
const NEVER = new AbortController().signal;

function ask(port: number): Promise<PodAnswer> {
  return askPods(port, systemClock)({ address: "127.0.0.1", proxy: "test/proxy", token: TOKEN }, NEVER);
}

describe("a data plane", () => {
  async function dataplane(): Promise<{ readonly gateway: TestGateway; readonly port: number }> {
    const gateway = new TestGateway();
    const gate = new AdminGate();
    gate.use(TOKEN);
    const endpoints = adminEndpoints(gateway.gateway, gateway.metrics, systemClock);
    const admin = await adminServer(endpoints, "127.0.0.1", 0, { gate });
    onTestFinished(() => admin.close());
    onTestFinished(() => gateway.close());
    await gateway.serve({}, [1]);
    return { gateway, port: admin.port };
  }

  test("is understood: what it serves, and why it serves nothing newer", async () => {
    const { gateway, port } = await dataplane();
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
    const serves = { proxy: "test/proxy", hash, endpointsHash: hash, generation: 1 };
    expect(await ask(port)).toEqual({ kind: "report", report: serves });
    await gateway.apply({ ...configOf(), fromTheFuture: 1 } as never, endpointsOf([1]));
    const problems = [expect.stringContaining("fromTheFuture")];
    const rejected = { hash, stage: "config", problems };
    expect(await ask(port)).toEqual({ kind: "report", report: { ...serves, rejected } });
  });

  test("with the longest report it can give is understood", async () => {
    const { gateway, port } = await dataplane();
    const fields = Array.from({ length: 50 }, (_, at) => [`${"\u0001".repeat(500)}${at}`, 1]);
    await gateway.apply({ ...configOf(), ...Object.fromEntries(fields) } as never, endpointsOf([1]));
    expect(await ask(port)).toMatchObject({ kind: "report", report: { rejected: { stage: "config" } } });
  });

  test.each([["another-token-of-enough-characters"], [undefined]])(
    "that knows another token than %s is not synced yet",
    async (token) => {
      const { port } = await dataplane();
      expect(await askPods(port, systemClock)({ address: "127.0.0.1", proxy: "test/proxy", token }, NEVER)).toEqual({
        kind: "unsynced",
      });
    },
  );
});
