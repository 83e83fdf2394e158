import { routesOf } from "../../api/route-settings.ts";
import { outgoing, type OutgoingRequest } from "../../dataplane/policies/outgoing.ts";
import type { HeaderField } from "../../dataplane/http/header-fields.ts";
import type { Handshake } from "../../dataplane/opening-handshake.ts";
import { ANYONE, type Identity } from "../../dataplane/identity.ts";
import { Memory } from "../../dataplane/memory.ts";
import { compileForwarding } from "../../dataplane/policies/forwarding.ts";
import { configOf, type RouteParts } from "./config.ts";
import { apiKeyPolicy } from "./oracle.ts";

const HANDSHAKE: Handshake = {
  requestId: "req-0001",
  address: "192.0.2.1",
  addressSubject: "192.0.2.1",
  secure: true,
  authority: "A.test:8443",
  host: "a.test",
  path: "/chat/room",
  query: "",
  headers: [],
  protocols: [],
  extensions: undefined,
  port: 8080,
};

const PLACES = [{ header: "x-api-key" }, { query: "apikey" }, { cookie: "sid" }, { subprotocol: "wsproxy.key" }];

interface Case {
  readonly handshake?: Partial<Handshake>;
  readonly identity?: Partial<Identity>;
  readonly route?: RouteParts;
  readonly forwarding?: object;
  readonly compression?: "Passthrough" | "Disabled";
  /** The route requires an API key, in any place. */
  readonly guarded?: boolean;
}

/** The request that the backend gets with these policies. */
export function send({
  handshake,
  identity,
  route = {},
  forwarding = {},
  compression = "Passthrough",
  guarded = false,
}: Case): OutgoingRequest {
  const policies = { forwarding, compression, ...(guarded ? { authentication: apiKeyPolicy(PLACES) } : {}) };
  return sendTo({ ...route, policies }, handshake, identity);
}

/** The request that the backend of a route gets. */
export function sendTo(
  route: RouteParts,
  handshake: Partial<Handshake> = {},
  identity: Partial<Identity> = {},
): OutgoingRequest {
  const [compiled] = routesOf(configOf({ routes: [route] }));
  if (compiled === undefined) throw new Error("no route");
  return outgoing(
    { ...HANDSHAKE, ...handshake },
    { ...ANYONE, ...identity },
    compileForwarding(compiled, new Memory()),
  );
}

/** The forwarded headers of the client: those before the gateway's. */
export const own = ({ headers }: OutgoingRequest): HeaderField[] =>
  headers.slice(
    0,
    headers.findIndex(([name]) => name === "X-Forwarded-For"),
  );
/** Values of a field, by its name in lower case. */
export const value = ({ headers }: OutgoingRequest, name: string): string[] =>
  headers.filter(([it]) => it.toLowerCase() === name).map(([, it]) => it);
