import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess } from "../fakes/gateway-process.ts";
import { IMAGE_FLAGS } from "../fakes/image-flags.ts";
import { RawClient } from "../fakes/clients.ts";
import { unusedPort } from "../fakes/ports.ts";
import { until } from "../fakes/sockets.ts";

/** A proxy under test, in a process of its own. */
export interface Target {
  readonly name: string;
  readonly port: number;
  /** CPU used since it started, in µs. */
  cpu(): Promise<number>;
  close(): Promise<void>;
}

/** The gateway. `node`: path of the Node to run it on; its version then stands in the name. */
export async function wsproxy(path: "shared" | "data", backend: number, node?: string): Promise<Target> {
  const process = await GatewayProcess.start({ path, ports: [backend], node, flags: IMAGE_FLAGS });
  const version = node === undefined ? "" : `, ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}`;
  const name = `wsproxy, ${path}${version}`;
  return { name, port: process.port, cpu: () => process.cpu(), close: () => process.close() };
}

/** nginx with one worker; undefined: it is not installed. */
export function nginx(backend: number): Promise<Target | undefined> {
  return foreign("nginx", ["-v"], (port, folder) => ({
    config: `
      daemon off; worker_processes 1; pid ${folder}/pid; error_log /dev/null;
      events { worker_connections 16384; }
      http {
        access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder};
        fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_pass http://127.0.0.1:${backend}; proxy_http_version 1.1; proxy_read_timeout 1h;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection Upgrade;
          }
        }
      }`,
    args: (file) => ["-c", file, "-p", folder],
  }));
}

/** HAProxy with one thread; undefined: it is not installed. */
export function haproxy(backend: number): Promise<Target | undefined> {
  return foreign("haproxy", ["-v"], (port) => ({
    config: `
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  server one 127.0.0.1:${backend}
`,
    args: (file) => ["-f", file],
  }));
}

interface Recipe {
  readonly config: string;
  args(file: string): string[];
}

async function foreign(
  name: string,
  probe: string[],
  recipe: (port: number, folder: string) => Recipe,
): Promise<Target | undefined> {
  if (spawnSync(name, probe).error !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), `wsproxy-bench-${name}-`));
  const port = await unusedPort();
  const { config, args } = recipe(port, folder);
  const file = join(folder, "config");
  writeFileSync(file, config);
  const child = spawn(name, args(file), { stdio: "ignore" });
  await until(`${name} listens`, () =>
    RawClient.open(port).then(
      (client) => (client.socket.destroy(), true),
      () => false,
    ),
  );
  return {
    name,
    port,
    cpu: async () => cpuOf(child),
    async close() {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
      rmSync(folder, { recursive: true });
    },
  };
}

/** A tick of the kernel's accounting, in µs (USER_HZ is 100 on every Linux that Node runs on). */
const TICK = 10_000;

/** CPU time of a process and its children, in µs. */
function cpuOf({ pid }: ChildProcess): number {
  const stats = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const fields = readFileSync(`/proc/${entry}/stat`, "latin1")
          .replace(/^.*\) /, "")
          .split(" ");
        return [{ pid: Number(entry), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }];
      } catch {
        return []; // the process ended meanwhile
      }
    });
  return stats.filter((it) => it.pid === pid || it.parent === pid).reduce((sum, { ticks }) => sum + ticks * TICK, 0);
}
