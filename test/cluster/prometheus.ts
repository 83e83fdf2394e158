import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { PrometheusApi } from "../chart/prometheus-api.ts";
import { unusedPort } from "../fakes/ports.ts";
import type { Cluster } from "./cluster.ts";
import { discoveryServer } from "./discovery.ts";
import type { Discovery } from "./monitors.ts";

/**
 * A real Prometheus beside the cluster, gone after the scenario. It finds pods as one inside does, and scrapes them by way
 * of the API server, because a NetworkPolicy lets no other process of this machine through.
 */
export async function startPrometheus(
  cluster: Cluster,
  discoveries: readonly Discovery[],
  rules: object,
): Promise<PrometheusApi> {
  const folder = await mkdtemp(join(tmpdir(), "wsproxy-prometheus-"));
  cluster.onEnd(() => rm(folder, { recursive: true, force: true }));
  const write = async (name: string, text: string | Buffer): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const server = await apiServer(cluster.provider.kubeconfig, write);
  const discovery = await serve(cluster, discoveryServer(cluster));
  const config = {
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    rule_files: [await write("rules.json", JSON.stringify(rules))],
    scrape_configs: discoveries.map(({ name, role, relabelling, discard = false }) => ({
      job_name: name,
      http_sd_configs: [{ url: `${discovery}/${role}`, refresh_interval: "1s" }],
      scheme: "https",
      tls_config: server.tls,
      relabel_configs: [...relabelling, ...throughApiServer(server.address)],
      ...(discard ? { metric_relabel_configs: [{ action: "drop", source_labels: ["__name__"], regex: ".+" }] } : {}),
    })),
  };
  const port = await unusedPort();
  const file = await write("prometheus.json", JSON.stringify(config)); // JSON is YAML
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${folder}`, `--web.listen-address=127.0.0.1:${port}`];
  let said = "";
  const child = spawn("prometheus", args, { stdio: ["ignore", "ignore", "pipe"] });
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.on("error", ({ message }) => (said += message));
  const exit = once(child, "close").catch(() => {}); // its error has been noted
  cluster.onEnd(async () => {
    child.kill();
    await exit;
  });
  await cluster.until("Prometheus is ready", () => {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`prometheus has ended: ${said}`);
    return Promise.resolve(said.includes("Server is ready to receive web requests"));
  });
  return new PrometheusApi(`http://127.0.0.1:${port}`);
}

/** Its URL, until the scenario is over. */
async function serve(cluster: Cluster, server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cluster.onEnd(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Where the API server is, and the credentials for it. */
async function apiServer(
  kubeconfig: string,
  write: (name: string, text: Buffer) => Promise<string>,
): Promise<{ address: string; tls: object }> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const [server, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  const decoded = (data: string | undefined): Buffer => Buffer.from(data ?? "", "base64");
  return {
    address: new URL(server?.server ?? "").host,
    tls: {
      ca_file: await write("ca.crt", decoded(server?.caData)),
      cert_file: await write("client.crt", decoded(user?.certData)),
      key_file: await write("client.key", decoded(user?.keyData)),
    },
  };
}

/** `instance` stays the pod's own address; the path names its admin port. */
function throughApiServer(address: string): object[] {
  return [
    { source_labels: ["__address__"], target_label: "instance" },
    {
      source_labels: ["namespace", "pod", "__address__"],
      regex: "(.+);(.+);.+:(\\d+)",
      replacement: "/api/v1/namespaces/$1/pods/$2:$3/proxy/metrics",
      target_label: "__metrics_path__",
    },
    { replacement: address, target_label: "__address__" },
  ];
}
