import type { BackendConfig } from "../../../api/config.ts";
import type { BackendSpec } from "../../../api/websocket-proxy.ts";
import { endpointsKey, endpointsOf } from "./endpoints.ts";
import type { Found, Lookup, ReferenceProblem } from "../references/lookup.ts";
import { authority, clientKeyPair, login } from "../references/secrets.ts";

type Tls = NonNullable<BackendConfig["tls"]>;

/**
 * A backend with the values that it refers to. undefined: one of them is missing, so the backend is left out: it must not be
 * dialled without the verification or the credential that the user asked for.
 */
export function backend(spec: BackendSpec, at: string, lookup: Lookup): Found<BackendConfig> {
  const problems: ReferenceProblem[] = [];
  const take = <T>({ value, problems: more }: Found<T>): T | undefined => {
    problems.push(...more);
    return value;
  };
  const key = endpointsKey(spec.service, spec.port);
  const reachable = take(endpointsOf(key, at, lookup)) !== undefined;
  const tls = spec.tls === undefined ? undefined : take(tlsOf(spec.tls, spec.service, `${at}.tls`, lookup));
  const secret = spec.basicAuthSecretName;
  const basicAuth = secret === undefined ? undefined : take(basicLogin(secret, `${at}.basicAuthSecretName`, lookup));
  const complete = (spec.tls === undefined || tls !== undefined) && (secret === undefined || basicAuth !== undefined);
  if (!reachable || !complete) return { value: undefined, problems };
  const value: BackendConfig = {
    endpoints: key,
    weight: spec.weight,
    ...(tls === undefined ? {} : { tls }),
    ...(secret === undefined || basicAuth === undefined ? {} : { basicAuthSecretName: secret, basicAuth }),
  };
  return { value, problems };
}

/** A refreshed backend always has a value, the one in force at least. */
interface Refreshed extends Found<BackendConfig> {
  readonly value: BackendConfig;
}

/** A backend of a config in force with the current values of its references; a missing one leaves its last good value. */
export function refreshedBackend(inForce: BackendConfig, at: string, lookup: Lookup): Refreshed {
  const { tls, basicAuthSecretName: secret } = inForce;
  const now = tls === undefined ? undefined : tlsOf(tls, undefined, `${at}.tls`, lookup);
  const auth = secret === undefined ? undefined : basicLogin(secret, `${at}.basicAuthSecretName`, lookup);
  const value = {
    ...inForce,
    ...(now?.value === undefined ? {} : { tls: now.value }),
    ...(auth?.value === undefined ? {} : { basicAuth: auth.value }),
  };
  return { value, problems: [...(now?.problems ?? []), ...(auth?.problems ?? [])] };
}

type TlsReferences = NonNullable<BackendSpec["tls"]>;

function tlsOf(spec: TlsReferences, service: string | undefined, at: string, lookup: Lookup): Found<Tls> {
  const { caSecretName, clientSecretName } = spec;
  const serverName = spec.serverName ?? (service === undefined ? "localhost" : `${service}.${lookup.namespace}.svc`);
  const ca = caSecretName === undefined ? undefined : authority(caSecretName, `${at}.caSecretName`, lookup);
  const client =
    clientSecretName === undefined ? undefined : clientKeyPair(clientSecretName, `${at}.clientSecretName`, lookup);
  const problems = [...(ca?.problems ?? []), ...(client?.problems ?? [])];
  const lost = [ca, client].some((it) => it !== undefined && it.value === undefined);
  if (lost) return { value: undefined, problems };
  const value: Tls = {
    serverName,
    ...(caSecretName === undefined || ca?.value === undefined ? {} : { caSecretName, ca: ca.value }),
    ...(clientSecretName === undefined || client?.value === undefined
      ? {}
      : { clientSecretName, client: client.value }),
  };
  return { value, problems };
}

/** As `login`, without a user name that Basic authentication cannot carry (RFC 7617 §2). */
function basicLogin(name: string, at: string, lookup: Lookup): ReturnType<typeof login> {
  const found = login(name, at, lookup);
  if (found.value?.username.includes(":") !== true) return found;
  const message = `Secret ${name}: username: holds a colon, which Basic authentication cannot carry; use another name`;
  return { value: undefined, problems: [{ reason: "SecretInvalid", message, at, object: lookup.self }] };
}
