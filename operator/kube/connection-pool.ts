import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

/** Idle connections kept. How many are in use at a time is up to the callers, so that no call waits for another. */
const MAX_FREE = 32;
/** Idle time after which TCP itself asks whether the other end is still there. */
const PROBE = 15_000;

/** What one request has of its own. */
export interface Head {
  readonly method: string;
  /** Below the server's URL, with its leading `/`. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
}

/** Connections to one API server, shared by all calls; made anew when certificates or key change. */
export class ConnectionPool {
  readonly #kubeConfig: KubeConfig;
  readonly #server: URL;
  #current: { readonly material: string; readonly agent: HttpAgent } | undefined;

  constructor(kubeConfig: KubeConfig) {
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null) throw new Error("the kubeconfig has no current cluster");
    this.#kubeConfig = kubeConfig;
    this.#server = new URL(cluster.server);
  }

  /** A request that has not been sent yet, with our credentials. */
  async open({ method, path, headers }: Head): Promise<ClientRequest> {
    // Asked for each call: a ServiceAccount's token is replaced in its file while we run.
    const known: Omit<RequestOptions, "headers"> & { headers: OutgoingHttpHeaders } = { headers: {} };
    await this.#kubeConfig.applyToHTTPSOptions(known);
    const { hostname, port, pathname, protocol } = this.#server;
    const request = protocol === "https:" ? httpsRequest : httpRequest;
    return request({
      method,
      protocol,
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port,
      path: `${pathname.replace(/\/$/, "")}${path}`,
      headers: { ...trimmed(known.headers), ...headers },
      auth: known.auth,
      agent: this.#agentFor(known),
    });
  }

  /** Ends every connection, those in use too. */
  close(): void {
    this.#current?.agent.destroy();
    this.#current = undefined;
  }

  #agentFor({ ca, cert, key, rejectUnauthorized, servername }: Omit<RequestOptions, "headers">): HttpAgent {
    // The kubeconfig's word counts, not the environment's.
    const tls = { ca, cert, key, rejectUnauthorized: rejectUnauthorized ?? true, servername };
    const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    const material = JSON.stringify(given);
    if (this.#current?.material === material) return this.#current.agent;
    this.close(); // what is under way fails, and is tried again with the new credentials
    const kept = { keepAlive: true, keepAliveMsecs: PROBE, maxFreeSockets: MAX_FREE };
    const agent = this.#server.protocol === "https:" ? new HttpsAgent({ ...kept, ...given }) : new HttpAgent(kept);
    this.#current = { material, agent };
    return agent;
  }
}

/** A token's file may end with a line break. */
function trimmed(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const trim = (value: OutgoingHttpHeaders[string]): typeof value => (typeof value === "string" ? value.trim() : value);
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, trim(value)]));
}
