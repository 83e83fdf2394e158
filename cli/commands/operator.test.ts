import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { WATCHED_KINDS } from "../../operator/watch/cache.ts";
import { FakeApiServer } from "../../test/fakes/api-server.ts";
import { freePort, Program, ran, temporaryFolder } from "../../test/fakes/program.ts";
import { putAll } from "../../test/fakes/operator-bench.ts";
import { until } from "../../test/fakes/sockets.ts";
import { EXIT } from "../line/exit-codes.ts";

const IMAGE = ["--dataplane-image", "registry.example/wsproxy:1"];

interface Started {
  readonly server: FakeApiServer;
  readonly program: Program;
  get(path: string): Promise<Response>;
}

async function started(more: readonly string[] = [], prepare = (_: FakeApiServer): void => {}): Promise<Started> {
  const server = await FakeApiServer.start();
  prepare(server);
  const kubeconfig = join(await temporaryFolder(), "kubeconfig");
  await writeFile(kubeconfig, server.kubeConfig().exportConfig());
  const port = await freePort();
  const admin = ["--admin-address", "127.0.0.1", "--admin-port", String(port)];
  const where = ["--kubeconfig", kubeconfig, "--namespace", "wsproxy-system"];
  putAll(server);
  const program = new Program(["operator", ...IMAGE, ...where, ...admin, ...more]);
  await program.logs("operator started");
  return { server, program, get: (path) => fetch(`http://127.0.0.1:${port}${path}`) };
}

const lease = (server: FakeApiServer): unknown =>
  (server.get("Lease", "wsproxy-system", "wsproxy-operator") as { spec?: { holderIdentity?: unknown } } | undefined)
    ?.spec?.holderIdentity;

describe("wsproxy operator", () => {
  test("leads, works, and gives the lease back when it is asked to stop", async () => {
    const { server, program, get } = await started();
    await until("there is a Deployment", () => server.get("Deployment", "demo", "wsproxy-chat") !== undefined);
    expect(lease(server)).toMatch(/_[0-9a-f]{8}$/);
    expect((await get("/healthz")).status).toBe(200);
    expect((await get("/readyz")).status).toBe(200);
    let metrics = "";
    await until("a pass is counted", async () => {
      metrics = await (await get("/metrics")).text();
      return /wsproxy_operator_reconciles_total\{result="done"\} [1-9]/.test(metrics);
    });
    expect(metrics).toContain("wsproxy_operator_leader 1\n");
    expect(metrics).toContain('wsproxy_operator_watch_restarts_total{kind="Secret"} 0');
    program.signal("SIGTERM");
    expect(await program.exit()).toBe(0);
    expect(lease(server)).toBe("");
  });

  test("is alive but not ready, and does not end, while there is no API server", async () => {
    const { server, program, get } = await started();
    await until("it is ready", async () => (await get("/readyz")).status === 200);
    await server.down();
    expect((await get("/healthz")).status).toBe(200);
    const other = new Program(["operator", ...IMAGE, "--kubeconfig", "/dev/null", "--namespace", "wsproxy-system"]);
    expect(await other.exit()).toBe(EXIT.unavailable);
    expect(other.stderr).toContain("is not a kubeconfig");
    program.signal("SIGTERM");
    expect(await program.exit()).toBe(0);
  });

  test("is not ready before everything has been read", async () => {
    let answer = (): void => {};
    const hold = new Promise<void>((resolve) => (answer = resolve));
    const { server, get } = await started([], (api) => api.fail("GET /api/v1/secrets", { hold }));
    await until("all else is watched", () => server.watches.length === WATCHED_KINDS.length - 1);
    expect((await get("/readyz")).status).toBe(503);
    expect(server.writes).toEqual([]);
    answer();
    await until("it is ready", async () => (await get("/readyz")).status === 200);
  });

  test("ends at once when it is asked twice, whatever it waits for", async () => {
    const hold = new Promise<void>(() => {});
    const { server, program } = await started([], (api) => api.fail("PUT", { hold }, 1000));
    await until("it leads", () => lease(server) !== undefined);
    await until("it cannot renew", () => server.writes.some(({ method }) => method === "PUT"));
    program.signal("SIGTERM");
    await until("it gives the lease back", () => server.writes.filter(({ method }) => method === "PUT").length > 1);
    program.signal("SIGTERM");
    expect(await program.exit()).toBe(0);
  });

  test("says what is missing, before it opens anything", async () => {
    const [nothing, wrong, outside] = await Promise.all([
      ran("operator"),
      ran("operator", ...IMAGE, "--watch-namespaces", "a,B"),
      ran("operator", ...IMAGE),
    ]);
    expect([nothing.ended, nothing.stderr]).toEqual([
      EXIT.usage,
      expect.stringContaining("--dataplane-image is missing"),
    ]);
    expect([wrong.ended, wrong.stderr]).toEqual([EXIT.usage, expect.stringContaining('"B" cannot be the name')]);
    expect([outside.ended, outside.stderr]).toEqual([EXIT.unavailable, expect.stringContaining("--kubeconfig FILE")]);
  });
});
