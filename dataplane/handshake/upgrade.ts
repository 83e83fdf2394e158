import { PLAIN_SUBPROTOCOL } from "../../api/meta.ts";
import { couldBeKey } from "../could-be-key.ts";
import { isRefusal, type Refusal } from "../rejection.ts";
import { arrivalFacts } from "./request-facts.ts";
import { identify } from "./admit.ts";
import { switchingProtocols } from "./answer.ts";
import { dial, type Dialled } from "../backend/backend.ts";
import { checkHandshake, type Checked } from "./check-handshake.ts";
import type { Identity } from "../identity.ts";
import type { Client } from "../arrival.ts";
import { keysOf } from "../limits/occupancy.ts";
import type { Handshake } from "../opening-handshake.ts";
import { holdsCredential, outgoing } from "../policies/outgoing.ts";
import { respond } from "./refuse.ts";
import type { Attempt } from "./attempt.ts";
import type { HandshakeContext } from "./context.ts";
import type { CompiledRoute } from "../config/snapshot.ts";

/**
 * A handshake from its request head to its session, or to its refusal: check the form, find the route, admit the client,
 * dial, check the backend's 101, answer. Plain requests go the same way and end at the 426.
 */
export async function upgrade(client: Client, proxy: HandshakeContext): Promise<void> {
  const { socket } = client;
  socket.on("error", () => socket.destroy());
  const attempt = proxy.begin(socket, client.arrival.method, client.early.length);
  try {
    const snapshot = proxy.snapshot;
    const refused = (why: Refusal): void => {
      attempt.describe(arrivalFacts(client.arrival, snapshot?.trusted));
      attempt.refuse(why);
    };
    if (snapshot === undefined || proxy.draining) return refused({ reason: "Draining" });

    const { trace } = attempt;
    const checked = checkHandshake(client.arrival, snapshot.trusted);
    if (isRefusal(checked)) {
      trace?.spent("handshake");
      return refused(checked);
    }
    const { deferred } = checked;
    const handshake = attempt.identify(checked.handshake);

    const found = snapshot.router.find(handshake.host, handshake.path);
    if (found === undefined) {
      trace?.spent("route");
      return attempt.refuse({ reason: "RouteNotFound" });
    }
    attempt.routed(found);

    const refusal = proxy.overload();
    trace?.passed("capacity");
    if (refusal !== undefined) return attempt.refuse(refusal);

    const identity = await identify(found.chain, handshake, attempt.signal, proxy, trace);
    if (attempt.signal.aborted) return;
    if (isRefusal(identity)) return attempt.refuse(identity);
    // An issuer may have taken seconds: the config that is in force now decides.
    const denied =
      proxy.shared === undefined
        ? attempt.admit(handshake, identity, proxy.route(found.name), proxy.occupancy)
        : await admitOverAllPods(attempt, handshake, identity, found, proxy);
    if (attempt.signal.aborted) return;
    if (denied !== undefined) return attempt.refuse(denied);
    if (deferred !== undefined) return attempt.refuse(deferred);

    const route = proxy.newest(found, handshake);
    attempt.dials(route.balancer);
    trace?.pass();
    const started = proxy.clock.now();
    const outcome = await dial(route.balancer, outgoing(handshake, identity, route.forwarding), {
      timeout: route.backendConnect,
      signal: attempt.signal,
      clock: proxy.clock,
      tls: route.tls,
      ownPort: proxy.ownPort,
      stopping: () => proxy.stopping,
      answers: proxy.answers,
      ...(trace === undefined ? {} : { watch: trace }),
    });
    trace?.dialEnded();
    if (outcome.kind === "open") attempt.opened(outcome.backend);
    if (attempt.signal.aborted) return;
    // No await from here to the answer: a client whose permission is gone by now gets neither a 101 nor the backend's refusal.
    const inForce = proxy.route(route.name);
    attempt.review(inForce);
    if (attempt.signal.aborted || inForce === undefined) return;
    if (outcome.kind === "refused") return attempt.refuse(whileStopping(outcome.refusal, proxy));
    if (outcome.kind === "relay") {
      const { status, statusText, headers, body } = outcome;
      respond(socket, status, statusText, headers, body, proxy.clock);
      return attempt.relayed(status);
    }
    trace?.passed("backend");
    route.metrics.backendConnect((proxy.clock.now() - started) / 1000);
    if (proxy.draining) return attempt.refuse({ reason: "Draining" });
    const protocol = outcome.backend.protocol ?? answerProtocol(handshake.protocols, route);
    accept(client, checked, protocol, inForce, identity, outcome.backend, attempt, proxy);
  } catch (fault) {
    attempt.failed(fault);
  } finally {
    attempt.end();
  }
}

/** Is there anything to ask the store? A handshake without it does not wait for those that ask. */
function asks(
  { name, chain }: CompiledRoute,
  identity: Identity,
  handshake: Handshake,
  { shared }: HandshakeContext,
): boolean {
  if (chain.some((policy) => policy.admitShared !== undefined)) return true;
  return shared !== undefined && shared.places.needed(keysOf(name, identity, handshake)).length > 0;
}

/** Admits the client here, and takes its place over all pods: where the store is to be asked, when it is its turn. */
function admitOverAllPods(
  attempt: Attempt,
  handshake: Handshake,
  identity: Identity,
  found: CompiledRoute,
  proxy: HandshakeContext,
): Promise<Refusal | undefined> {
  const { trace } = attempt;
  const asking = asks(found, identity, handshake, proxy);
  const admit = async (): Promise<Refusal | undefined> => {
    if (attempt.signal.aborted) return undefined;
    if (asking) trace?.spent("store"); // it has waited for its turn
    const refusal = attempt.admit(handshake, identity, proxy.route(found.name), proxy.occupancy);
    if (refusal !== undefined) return refusal;
    const late = await attempt.reserve();
    if (asking) trace?.passed("store");
    return late;
  };
  return asking ? proxy.turns.take(admit) : admit();
}

/** In a pod that stops the backend may be gone before the gateway: there is nothing to mend, the client connects again. */
function whileStopping(refusal: Refusal, { stopping }: HandshakeContext): Refusal {
  return stopping && refusal.reason === "BackendUnreachable" ? { ...refusal, reason: "Draining" } : refusal;
}

/** The session begins by the route in force. */
function accept(
  client: Client,
  { handshake, key }: Checked,
  protocol: string | undefined,
  route: CompiledRoute,
  identity: Identity,
  backend: Dialled,
  attempt: Attempt,
  proxy: HandshakeContext,
): void {
  const { extensions, headers } = backend;
  client.socket.write(switchingProtocols({ key, protocol, extensions, headers }));
  const { requestId, address, addressSubject } = handshake;
  const told = protocol !== undefined && isSecret(protocol, route) ? undefined : protocol;
  const { trace } = attempt;
  const known = { requestId, identity, address, addressSubject, protocol: told, endpoint: backend.endpoint };
  const facts = trace === undefined ? known : { ...known, trace };
  attempt.accepted();
  proxy.open(facts, route, client, backend, attempt.handOver());
}

/** A backend may choose a subprotocol that holds a credential, the gateway's or its own: the client is told, and no log or page. */
function isSecret(protocol: string, { forwarding }: CompiledRoute): boolean {
  return holdsCredential(protocol, forwarding) || couldBeKey(protocol);
}

/** A browser that offered subprotocols fails a 101 without one: `wsproxy` answers an offer that held the credential. */
function answerProtocol(offered: readonly string[], route: CompiledRoute): string | undefined {
  return route.credentialInSubprotocol && offered.includes(PLAIN_SUBPROTOCOL) ? PLAIN_SUBPROTOCOL : undefined;
}
