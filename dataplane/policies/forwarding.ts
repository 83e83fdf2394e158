import type { RouteConfig } from "../../api/config.ts";
import { foldHeaderName } from "../../api/names.ts";
import { NEVER_FORWARDED } from "../../api/policies/header-names.ts";
import type { RenderedPolicies } from "../../api/policies/index.ts";
import { credentialPlaces } from "../auth/places.ts";
import { once } from "../compile-once.ts";
import type { HeaderField } from "../http/header-fields.ts";
import type { Memory } from "../memory.ts";
import type { PolicyCompiler } from "../policy.ts";

/** Takes part in no step: `outgoing.ts` makes the backend's request by what `compileForwarding` returns. */
export const forwarding: PolicyCompiler<"forwarding"> = () => ({ kind: "forwarding" });

/** A route's forwarding policy, ready to use. Names of headers are folded: see `foldHeaderName`. */
export interface CompiledForwarding {
  readonly path: RouteConfig["path"];
  /** The path that replaces the matched one. */
  readonly rewrite: string | undefined;
  /** The Host that replaces the client's. */
  readonly hostname: string | undefined;
  /** Never forwarded, whatever the policy allows: the gateway speaks under these names, or they are credentials. */
  readonly dropped: ReadonlySet<string>;
  /** undefined: all but those that only a proxy writes (`isClaimed`). */
  readonly allowed: ReadonlySet<string> | undefined;
  /** Forwarded although only a proxy writes them: they hold credentials, and the policy keeps credentials. */
  readonly keptCredentials: ReadonlySet<string>;
  /** Headers about the request that the gateway does not write: the policy removes or sets them. */
  readonly unwritten: ReadonlySet<string>;
  readonly set: readonly HeaderField[];
  readonly clientHeader: string;
  readonly claimHeaders: readonly { readonly claim: string; readonly header: string }[];
  readonly queryAllowed: ReadonlySet<string> | undefined;
  /** Query parameters of credentials, which are removed; empty where the policy keeps credentials. */
  readonly credentialQuery: ReadonlySet<string>;
  readonly credentialCookies: ReadonlySet<string>;
  readonly credentialSubprotocols: readonly string[];
  /** The same where the policy keeps credentials too: no log may show what is chosen under them. */
  readonly secretSubprotocols: readonly string[];
  readonly compression: RouteConfig["policies"]["compression"];
}

/** The sets are made once for all routes with the same settings of forwarding and authentication. */
export function compileForwarding(route: RouteConfig, memory: Memory): CompiledForwarding {
  const { forwarding: settings, authentication, compression } = route.policies;
  const byCredentials = once(memory, "forwarding", settings, () => new WeakMap<object, Passage>());
  const key = authentication ?? settings;
  let passage = byCredentials.get(key);
  if (passage === undefined) byCredentials.set(key, (passage = passageOf(route.policies)));
  return { path: route.path, rewrite: route.rewrite?.path, hostname: route.rewrite?.hostname, compression, ...passage };
}

/** The part that depends on the policies alone, and not on the route. */
type Passage = Omit<CompiledForwarding, "path" | "rewrite" | "hostname" | "compression">;

function passageOf(policies: RenderedPolicies): Passage {
  const { headers, query, clientHeader, claimHeaders, keepCredentials } = policies.forwarding;
  const places = credentialPlaces(policies);
  const ours = [
    ...NEVER_FORWARDED,
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
    unwritten: new Set([...headers.remove, ...headers.set.map(({ name }) => name)].map(foldHeaderName)),
    set: headers.set.map(({ name, value }) => [name, value]),
    clientHeader,
    claimHeaders,
    queryAllowed: query.allow === undefined ? undefined : new Set(query.allow),
    credentialQuery: keepCredentials ? new Set() : places.query,
    credentialCookies: keepCredentials ? new Set() : places.cookies,
    credentialSubprotocols: keepCredentials ? [] : places.subprotocols,
    secretSubprotocols: places.subprotocols,
  };
}
