import { connect as connectTcp, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import { THIS_POD, type Endpoint } from "../../api/config.ts";
import { hostPort } from "../../runtime/host-port.ts";
import type { BackendTlsCache } from "./tls.ts";
import type { Target } from "./balancer.ts";

/** The endpoint is listed no more: it may never answer, and need not be waited for. */
export class EndpointGone extends Error {
  override readonly name = "EndpointGone";
}

/** What a process brings along for its dials. */
export interface Dialling {
  readonly tls: BackendTlsCache;
  /** Why that port of the pod is no backend; undefined: it may be one. */
  readonly ownPort: (port: number) => string | undefined;
}

/**
 * A connection to an endpoint, TLS included: nothing has been sent over it. Rejects where it cannot be had, and with
 * EndpointGone as soon as it is not to be waited for any more. An endpoint in the pod itself is never this process, and
 * has two addresses: the second is dialled only where the first is refused, which takes no time.
 */
export async function connect(target: Target, { tls, ownPort }: Dialling, signal: AbortSignal): Promise<Socket> {
  const { address, port } = target.endpoint;
  if (address !== THIS_POD) return connectTo(address, target, tls, signal);
  const ourselves = ownPort(port);
  if (ourselves !== undefined) throw new Error(ourselves);
  try {
    return await connectTo("127.0.0.1", target, tls, signal);
  } catch (refused) {
    if ((refused as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw refused;
    return connectTo("::1", target, tls, signal).catch((error: NodeJS.ErrnoException) => {
      if (error instanceof EndpointGone || error.code === undefined) throw error;
      const words = `connect ECONNREFUSED 127.0.0.1:${port}, ${error.code} ${hostPort("::1", port)}`;
      throw Object.assign(new Error(words), { code: error.code });
    });
  }
}

function connectTo(host: string, target: Target, tls: BackendTlsCache, signal: AbortSignal): Promise<Socket> {
  const { endpoint, backend } = target;
  return new Promise((resolve, reject) => {
    const address = {
      host,
      port: endpoint.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
    };
    const secure = backend.tls;
    const socket =
      secure === undefined
        ? connectTcp(address)
        : connectTls({
            ...address,
            secureContext: tls.contextOf(secure),
            rejectUnauthorized: true, // even if the environment says otherwise
            ALPNProtocols: ["http/1.1"],
            // SNI must not be an address (RFC 6066 §3); the certificate is checked for the name that was configured.
            servername: isIP(secure.serverName) === 0 ? secure.serverName : "",
            checkServerIdentity: (_host, certificate) => checkServerIdentity(secure.serverName, certificate),
          });
    const settle = (outcome: () => void): void => {
      signal.removeEventListener("abort", abort);
      forget();
      outcome();
    };
    const fail = (error: Error): void => {
      socket.destroy();
      settle(() => reject(error));
    };
    const abort = (): void => fail(new Error("aborted"));
    const forget = target.whenGone(() =>
      fail(new EndpointGone(`${hostPort(endpoint.address, endpoint.port)} is gone`)),
    );
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.on("error", fail);
    socket.once("close", () => settle(() => reject(new Error("closed"))));
    socket.once(secure === undefined ? "connect" : "secureConnect", () => settle(() => resolve(socket)));
  });
}

/**
 * Why an endpoint could not be dialled, for logs: Node writes IPv6 without brackets, and nothing at all where a name has
 * several addresses of which none answers.
 */
export function dialFault(error: unknown, { address, port }: Endpoint): string {
  const { message, code }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  const target = hostPort(address, port);
  return message === "" ? `connect ${code} ${target}` : message.replaceAll(`${address}:${port}`, target);
}
