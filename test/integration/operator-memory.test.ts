import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { PACKED } from "../../api/meta.ts";
import { FakeApiServer } from "../fakes/api-server.ts";
import { bundle } from "../fakes/bundle.ts";
import { CROWD, Tenants } from "../fakes/hostile-tenants.ts";
import { IMAGE_FLAGS } from "../fakes/image-flags.ts";
import { freePort, Program, temporaryFolder } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";

// 50 hostile proxies and 50 others in 10 namespaces. The operator reads for each hostile one a second or two before it
// writes what is too much into its status: WSPROXY_HOSTILE=full waits for all, and ends with a line of figures; a minute and a half.
const full = process.env["WSPROXY_HOSTILE"] === "full";
const TOLD = full ? CROWD.hostile : 10;
const MIB = 1024 * 1024;
// As the chart has it: 60 % of its memory limit for the old generation, in MiB, and two arenas for the allocator.
const OLD_GENERATION = 154;
const ENVIRONMENT = { MALLOC_ARENA_MAX: "2" };
const PATIENCE = full ? 300_000 : 60_000;

test(
  "an operator among hostile tenants stays within 256 MiB, serves all others, and revokes keys in time",
  { timeout: 2 * PATIENCE },
  async () => {
    const server = await FakeApiServer.start();
    const tenants = new Tenants(server, CROWD);
    tenants.moveIn();
    const operator = await started(server);
    const stirring = setInterval(() => tenants.stir(), 10);
    onTestFinished(() => clearInterval(stirring));

    const served = (key: string): boolean => clientsOf(server, key) === "alice" && accepted(server, key);
    await operator.until("every honest proxy has its config", () => tenants.honest.every(served));
    const ready = operator.age;
    const took: number[] = [];
    for (const key of tenants.honest) {
      const began = Date.now();
      tenants.revoke(key);
      await operator.until(`the key of ${key} is gone`, () => clientsOf(server, key) === "");
      took.push(Date.now() - began);
    }
    const told = (key: string): boolean => reasonOf(server, key, "ResolvedRefs") === "TooLarge";
    await operator.until("hostile ones are told what is too much", () => tenants.hostile.filter(told).length >= TOLD);

    const peak = await operator.peak();
    if (full) console.log({ ready, all: operator.age, peak: peak / MIB, took: took.sort((a, b) => a - b).join() });
    expect(peak).toBeLessThan(256 * MIB);
    expect(Math.max(...took)).toBeLessThan(5000);
  },
);

interface Operator {
  /** Milliseconds since it was started. */
  readonly age: number;
  /** Most memory that it ever had, in bytes. */
  peak(): Promise<number>;
  /** Waits for a state; rejects where the operator ends. */
  until(what: string, holds: () => boolean): Promise<void>;
}

/** The operator as the image and the chart run it. */
async function started(server: FakeApiServer): Promise<Operator> {
  const { folder, remove } = await bundle();
  onTestFinished(remove);
  const kubeconfig = join(await temporaryFolder(), "kubeconfig");
  await writeFile(kubeconfig, server.kubeConfig().exportConfig());
  const options = ["--dataplane-image", "registry.example/wsproxy:1", "--namespace", "wsproxy-system"];
  const where = ["--kubeconfig", kubeconfig, "--admin-address", "127.0.0.1", "--admin-port", String(await freePort())];
  const flags = [...IMAGE_FLAGS, `--max-old-space-size=${OLD_GENERATION}`, join(folder, "wsproxy.js")];
  const program = new Program([...flags, "operator", ...options, ...where], {
    file: process.execPath,
    env: { ...process.env, ...ENVIRONMENT },
  });
  const began = Date.now();
  return {
    get age() {
      return Date.now() - began;
    },
    async peak() {
      const status = await readFile(`/proc/${program.pid}/status`, "utf8");
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    },
    async until(what, holds) {
      await until(what, () => holds() || program.ended !== undefined, PATIENCE);
      if (program.ended !== undefined) throw new Error(`ended with ${String(program.ended)}: ${program.stderr}`);
    },
  };
}

/** The clients whose API keys a proxy has in force, as its config Secret says; undefined: there is none yet. */
function clientsOf(server: FakeApiServer, key: string): string | undefined {
  const [namespace = "", name = ""] = key.split("/");
  const secret = server.get("Secret", namespace, `wsproxy-${name}-config-0`);
  const data = secret?.["data"] as Readonly<Record<string, string>> | undefined;
  if (data === undefined) return undefined;
  const packed = Buffer.from(data[PACKED.configPart(0)] ?? "", "base64");
  const config = JSON.parse(gunzipSync(packed).toString("utf8")) as Config;
  return config.policies.authentication?.[0]?.apiKey?.keys.map(({ client }) => client).join();
}

function accepted(server: FakeApiServer, key: string): boolean {
  return reasonOf(server, key, "Accepted") === "Accepted" && reasonOf(server, key, "ResolvedRefs") === "ResolvedRefs";
}

function reasonOf(server: FakeApiServer, key: string, type: string): string | undefined {
  const [namespace = "", name = ""] = key.split("/");
  const { status } = (server.get("WebSocketProxy", namespace, name) ?? {}) as { readonly status?: Status };
  return status?.conditions?.find((one) => one.type === type)?.reason;
}

interface Status {
  readonly conditions?: readonly { readonly type: string; readonly reason: string }[];
}
