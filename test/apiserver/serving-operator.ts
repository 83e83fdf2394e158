import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import type { Caller } from "../../operator/kube/call.ts";
import { KINDS, pathOf, SERVICE_NAME } from "../../operator/kube/kinds.ts";
import { freePort } from "../fakes/program.ts";
import { Daemon } from "./daemon.ts";

const WSPROXY = join(import.meta.dirname, "../../bin/wsproxy");
/** How long one may take to become ready on a busy machine, in ms. */
const START = 60_000;

/** An address of this machine that an EndpointSlice may have: it takes none of loopback. */
export function machineAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  const found = all.find(({ internal, family, address }) => {
    return !internal && family === "IPv4" && !address.startsWith("169.254.");
  });
  if (found === undefined)
    throw new Error("this machine has no IPv4 address but loopback's: a Service can lead nowhere");
  return found.address;
}

/** A place at which the webhook is served, as the Service's EndpointSlice has it. */
export class Endpoint {
  readonly address: string;
  readonly port: number;
  readonly #client: Caller;
  readonly #namespace: string;
  readonly #service: string;

  private constructor(client: Caller, namespace: string, service: string, address: string, port: number) {
    this.#client = client;
    this.#namespace = namespace;
    this.#service = service;
    this.address = address;
    this.port = port;
  }

  /** A port that is free; the Service does not lead to it yet. */
  static async reserve(client: Caller, namespace: string, service: string): Promise<Endpoint> {
    return new Endpoint(client, namespace, service, machineAddress(), await freePort());
  }

  get #name(): string {
    return `${this.#service}-${this.port}`;
  }

  /** The Service leads to it. */
  async add(): Promise<void> {
    const { apiVersion } = KINDS.EndpointSlice;
    const labels = { [SERVICE_NAME]: this.#service, "endpointslice.kubernetes.io/managed-by": "test" };
    const body = {
      apiVersion,
      kind: "EndpointSlice",
      metadata: { name: this.#name, labels },
      addressType: "IPv4",
      ports: [{ name: "webhook", port: this.port, protocol: "TCP" }],
      endpoints: [{ addresses: [this.address], conditions: { ready: true, serving: true, terminating: false } }],
    };
    await this.#client.request({ method: "POST", path: pathOf(KINDS.EndpointSlice, this.#namespace), body });
  }

  /** The Service leads there no more. */
  async remove(): Promise<void> {
    await this.#client.request({
      method: "DELETE",
      path: pathOf(KINDS.EndpointSlice, this.#namespace, this.#name),
    });
  }

  /** Serial number of the certificate that is served there. */
  serial(): Promise<string> {
    const { address: host, port } = this;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.once("error", reject);
    });
  }
}

/** `wsproxy operator` as a pod of the chart runs it, at an endpoint of the webhook's Service. */
export class ServingOperator {
  readonly endpoint: Endpoint;
  readonly #daemon: Daemon;
  readonly #admin: string;
  readonly #log: string;
  #isEndpoint = true;

  private constructor(endpoint: Endpoint, daemon: Daemon, admin: string, log: string) {
    this.endpoint = endpoint;
    this.#daemon = daemon;
    this.#admin = admin;
    this.#log = log;
  }

  /** Resolves when it is ready and the Service leads to it. `args`: those of the chart, for this place. */
  static async start(endpoint: Endpoint, args: readonly string[], log: string): Promise<ServingOperator> {
    const admin = `127.0.0.1:${await freePort()}`;
    const place = ["--admin-address", admin, "--webhook-address", `${endpoint.address}:${endpoint.port}`];
    const daemon = new Daemon("wsproxy", WSPROXY, [...args, ...place], log);
    const operator = new ServingOperator(endpoint, daemon, admin, log);
    await daemon.ready(async () => (await fetch(`http://${admin}/readyz`)).ok, START);
    await endpoint.add();
    return operator;
  }

  /** What it has logged, and other output. */
  said(): Promise<string> {
    return readFile(this.#log, "utf8");
  }

  /** Pods that it has put the gateway into, by its own metric. */
  async injections(): Promise<number> {
    const metrics = await (await fetch(`http://${this.#admin}/metrics`)).text();
    return Number(/^wsproxy_operator_admission_requests_total\{result="injected"\} (\d+)$/m.exec(metrics)?.[1]);
  }

  async isLeading(): Promise<boolean> {
    return (await this.said()).includes('"msg":"leading"');
  }

  /** The Service leads there no more. */
  async unlist(): Promise<void> {
    if (!this.#isEndpoint) return;
    this.#isEndpoint = false;
    await this.endpoint.remove();
  }

  /** Ends the process; the Service still leads there. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    return this.#daemon.stop(signal);
  }

  /** Ends it without any grace, out of the Service. */
  async stop(): Promise<void> {
    await this.unlist();
    await this.end("SIGKILL");
  }
}
