import { connect as connectTcp, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import type { BackendTlsCache } from "./backend-tls.ts";
import type { Target } from "./balancer.ts";

/** A connection to an endpoint, TLS included: nothing has been sent over it. Rejects where it cannot be had. */
export function connect({ endpoint, backend }: Target, tls: BackendTlsCache, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const address = {
      host: endpoint.address,
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
            ALPNProtocols: ["http/1.1"],
            // SNI must not be an address (RFC 6066 §3); the certificate is checked for the name that was configured.
            servername: isIP(secure.serverName) === 0 ? secure.serverName : "",
            checkServerIdentity: (_host, certificate) => checkServerIdentity(secure.serverName, certificate),
          });
    const settle = (outcome: () => void): void => {
      signal.removeEventListener("abort", abort);
      outcome();
    };
    const abort = (): void => {
      socket.destroy();
      settle(() => reject(new Error("aborted")));
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.on("error", (error) => {
      socket.destroy();
      settle(() => reject(error));
    });
    socket.once("close", () => settle(() => reject(new Error("closed"))));
    socket.once(secure === undefined ? "connect" : "secureConnect", () => settle(() => resolve(socket)));
  });
}
