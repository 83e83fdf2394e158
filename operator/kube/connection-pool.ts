import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

/** Most idle connections. Connections in use have no bound here, so that no call waits for another. */
const MAX_FREE = 32;
/** Idle time after which TCP keep-alive probes the API server; ms. */
const PROBE = 15_000;

/** The head of one request, without credentials. */
export interface Head {
  readonly method: string;
  /** Below the server's URL, with its leading `/`. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
}

/** Connections to one API server, shared by all calls; opened anew when certificates or key change. */
export class ConnectionPool {
  readonly #kubeConfig: KubeConfig;
  readonly #server: URL;
  readonly #proxied: boolean;
  #current: { readonly material: string; readonly agent: HttpAgent } | undefined;

  constructor(kubeConfig: KubeConfig) {
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null) throw new Error("the kubeconfig has no current cluster");
    this.#kubeConfig = kubeConfig;
    this.#server = new URL(cluster.server);
    this.#proxied = cluster.proxyUrl !== undefined;
  }

  /** A request with our credentials; nothing of it has been sent yet. */
  async open({ method, path, headers }: Head): Promise<ClientRequest> {
    // Read for each call: Kubernetes replaces a ServiceAccount's token in its file while we run.
    const options: Omit<RequestOptions, "headers"> & { headers: OutgoingHttpHeaders } = { headers: {} };
    await this.#kubeConfig.applyToHTTPSOptions(options);
    const { hostname, port, pathname, protocol } = this.#server;
    const request = protocol === "https:" ? httpsRequest : httpRequest;
    return request({
      method,
      protocol,
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port,
      path: `${pathname.replace(/\/$/, "")}${path}`,
      headers: { ...trimmed(options.headers), ...headers },
      auth: options.auth,
      // Through a proxy of the kubeconfig, client-node's own agent leads.
      agent: this.#proxied ? options.agent : this.#agentFor(options),
    });
  }

  /** Closes every connection, those in use too. */
  close(): void {
    this.#current?.agent.destroy();
    this.#current = undefined;
  }

  #agentFor({ ca, cert, key, rejectUnauthorized, servername }: Omit<RequestOptions, "headers">): HttpAgent {
    // Always set: the kubeconfig decides about it, not NODE_TLS_REJECT_UNAUTHORIZED.
    const tls = { ca, cert, key, rejectUnauthorized: rejectUnauthorized ?? true, servername };
    const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    const material = JSON.stringify(given);
    if (this.#current?.material === material) return this.#current.agent;
    this.close(); // calls under way fail, and their callers try again with the new credentials
    const pooling = { keepAlive: true, keepAliveMsecs: PROBE, maxFreeSockets: MAX_FREE };
    const agent =
      this.#server.protocol === "https:" ? new HttpsAgent({ ...pooling, ...given }) : new HttpAgent(pooling);
    this.#current = { material, agent };
    return agent;
  }
}

/** A token's file may end with a line break. */
function trimmed(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const trim = (value: OutgoingHttpHeaders[string]): typeof value => (typeof value === "string" ? value.trim() : value);
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, trim(value)]));
}
