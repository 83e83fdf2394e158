import type { Config } from "../../api/config.ts";
import type { WebSocketProxySpec } from "../../api/websocket-proxy.ts";
import type { Lookup, ReferenceProblem } from "./references/lookup.ts";
import { keyPair } from "./references/secrets.ts";

type Listener = Config["listener"];
type Tls = NonNullable<Listener["tls"]>;

/** The listener of an accepted spec as it comes into force. */
export interface ListenerOutcome {
  readonly listener: Listener;
  /** The spec asks for another listener, whose certificate is missing: the one in force stays. */
  readonly stays: boolean;
  readonly problems: readonly ReferenceProblem[];
}

/** Port that clients are to connect to. */
export function listenerPort({ listener: { port, tls } }: Pick<WebSocketProxySpec, "listener">): number {
  return port ?? (tls === undefined ? 8080 : 8443);
}

/**
 * The listener that a spec asks for. Without its certificate the listener in force stays, port and all: so no client finds
 * plain ws where the spec asks for wss. With nothing in force, no pod opens a port until there is a certificate.
 */
export function listenerOutcome(
  header: WebSocketProxySpec,
  before: Config | undefined,
  lookup: Lookup,
): ListenerOutcome {
  const { tls: wished, trustedProxies } = header.listener;
  const port = listenerPort(header);
  if (wished === undefined) return { listener: { port, trustedProxies }, stays: false, problems: [] };
  const { tls, problems } = listenerTls(wished.secretName, before, lookup);
  if (tls.keyPair !== undefined || before === undefined || !isOpen(before.listener)) {
    return { listener: { port, tls, trustedProxies }, stays: false, problems };
  }
  const listener = { ...withCurrentTls(before, lookup), trustedProxies };
  return { listener, stays: true, problems: problems.map((problem) => explained(problem, listener, header.mode)) };
}

/** The listener in force, with the current certificate of its Secret. */
export function withCurrentTls(before: Config, lookup: Lookup): Listener {
  const { listener } = before;
  const { tls } = listener;
  return tls === undefined
    ? listener
    : { ...listener, tls: { ...tls, ...listenerTls(tls.secretName, before, lookup).tls } };
}

/** The listener's certificate. A missing or broken one leaves that in force, since a lost certificate revokes no permission. */
function listenerTls(
  secretName: string | undefined,
  before: Config | undefined,
  lookup: Lookup,
): { readonly tls: Tls; readonly problems: readonly ReferenceProblem[] } {
  if (secretName === undefined) return { tls: {}, problems: [] };
  const now = keyPair(secretName, "spec.listener.tls.secretName", lookup);
  const tls = before?.listener.tls;
  const value = now.value ?? (tls?.secretName === secretName ? tls.keyPair : undefined);
  return { tls: { secretName, ...(value === undefined ? {} : { keyPair: value }) }, problems: now.problems };
}

/** A listener with TLS and without a certificate was never open. */
function isOpen({ tls }: Listener): boolean {
  return tls === undefined || tls.keyPair !== undefined;
}

function explained(
  problem: ReferenceProblem,
  { port, tls }: Listener,
  mode: WebSocketProxySpec["mode"],
): ReferenceProblem {
  const what = tls === undefined ? "ws" : `wss with Secret ${tls.secretName ?? ""}`;
  const message = `${problem.message}. Until then the listener stays as it was (${what}, port ${port}), ${mode === "Gateway" ? "and the Service leads to it" : "in new pods, too"}`;
  return { ...problem, message };
}
