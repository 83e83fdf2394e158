import type { RouteConfig } from "../../api/config.ts";
import { foldHeaderName } from "../../api/names.ts";
import { RESERVED_HEADERS } from "../../api/policies/forwarding.ts";
import type { RenderedPolicies } from "../../api/policies/index.ts";
import { credentialPlaces } from "../auth/places.ts";
import { once } from "../compile-once.ts";
import type { HeaderField } from "../http/header-fields.ts";
import type { Memory } from "../memory.ts";
import type { PolicyCompiler } from "../policy.ts";

/** Takes part in no step: `outgoing.ts` makes the backend's request by what `compileForwarding` returns. */
export const forwarding: PolicyCompiler<"forwarding"> = () => ({ kind: "forwarding" });

/** Headers in which clients claim what only a gateway may say; never believed, never forwarded, whatever the policy allows. */
const CLAIMS = [
  "forwarded",
  "x-original-url",
  "x-original-uri",
  "x-original-host",
  "x-rewrite-url",
  "x-forwarded-uri",
  "x-forwarded-prefix",
  "x-forwarded-path",
  "x-forwarded-server",
  "x-forwarded-ssl",
  "x-forwarded-scheme",
  "x-real-ip",
];

/** Fields that ask the next hop for something other than a WebSocket: it is not the client's to ask. */
const HOP_REQUESTS = ["expect", "http2-settings"];

/** A route's forwarding policy, ready to use. Names of headers are folded: see `foldHeaderName`. */
export interface CompiledForwarding {
  readonly path: RouteConfig["path"];
  readonly rewrite: string | undefined;
  /** Never forwarded, whatever the policy allows: the gateway speaks under these names, or they are credentials. */
  readonly dropped: ReadonlySet<string>;
  /** undefined: all but those that only a proxy may write (`isClaimed`). */
  readonly allowed: ReadonlySet<string> | undefined;
  /** Headers that go on although only a proxy may write them: credentials that the backend is to get. */
  readonly keptCredentials: ReadonlySet<string>;
  readonly set: readonly HeaderField[];
  readonly clientHeader: string;
  readonly claimHeaders: readonly { readonly claim: string; readonly header: string }[];
  readonly queryAllowed: ReadonlySet<string> | undefined;
  /** Credentials to be taken out; empty where the backend gets them too. */
  readonly credentialQuery: ReadonlySet<string>;
  readonly credentialCookies: ReadonlySet<string>;
  readonly credentialSubprotocols: readonly string[];
  readonly compression: RouteConfig["policies"]["compression"];
}

/** The sets are made once for all routes with the same settings of forwarding and authentication. */
export function compileForwarding(route: RouteConfig, memory: Memory): CompiledForwarding {
  const { forwarding: settings, authentication, compression } = route.policies;
  const byCredentials = once(memory, "forwarding", settings, () => new WeakMap<object, Passage>());
  const key = authentication ?? settings;
  let passage = byCredentials.get(key);
  if (passage === undefined) byCredentials.set(key, (passage = passageOf(route.policies)));
  return { path: route.path, rewrite: route.rewrite?.path, compression, ...passage };
}

/** What of a handshake passes, wherever it goes. */
type Passage = Omit<CompiledForwarding, "path" | "rewrite" | "compression">;

function passageOf(policies: RenderedPolicies): Passage {
  const { headers, query, clientHeader, claimHeaders, keepCredentials } = policies.forwarding;
  const places = credentialPlaces(policies);
  const ours = [
    ...RESERVED_HEADERS,
    ...CLAIMS,
    ...HOP_REQUESTS,
    clientHeader,
    ...claimHeaders.map(({ header }) => header),
    ...headers.set.map(({ name }) => name),
    ...headers.remove,
    ...(keepCredentials ? [] : places.headers),
  ];
  return {
    dropped: new Set(ours.map(foldHeaderName)),
    allowed: headers.allow === undefined ? undefined : new Set(headers.allow.map(foldHeaderName)),
    keptCredentials: new Set(keepCredentials ? [...places.headers].map(foldHeaderName) : []),
    set: headers.set.map(({ name, value }) => [name, value]),
    clientHeader,
    claimHeaders,
    queryAllowed: query.allow === undefined ? undefined : new Set(query.allow),
    credentialQuery: keepCredentials ? new Set() : places.query,
    credentialCookies: keepCredentials ? new Set() : places.cookies,
    credentialSubprotocols: keepCredentials ? [] : places.subprotocols,
  };
}
