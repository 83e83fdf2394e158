import { PACKED } from "../../api/meta.ts";

/** The names of one proxy's objects. */
export interface Names {
  /** Name of each object that is the only one of its kind, and value of the proxy label of all objects. */
  readonly base: string;
  /** Name of the ConfigMap with the endpoints. */
  readonly endpoints: string;
  /** Name of the Secret with the admin token. */
  readonly admin: string;
  /** Name of the Secret with a part of the config. */
  readonly configPart: (part: number) => string;
}

const PREFIX = "wsproxy-";
/** Kubernetes' bound for the name of a Service and for the value of a label. */
const LONGEST_LABEL = 63;
const ENDPOINTS = "-endpoints";
const ADMIN = "-admin";
const config = (part: number): string => `-config-${part}`;
const SUFFIX = Math.max(ENDPOINTS.length, ADMIN.length, config(PACKED.mostParts - 1).length);
const DIGITS = 8;
/** The hash at the end of a name that was cut or changed. */
const HASHED = new RegExp(`-[0-9a-f]{${DIGITS}}$`);
/** `wsproxy-operator` is the name of the operator itself. */
const TAKEN = "operator";

/**
 * The names of a proxy's objects, for any legal name of a proxy; names of two proxies never collide. A short name is used as
 * it is. A long name is cut, dots become dashes, and a hash of the whole name is added. A name that ends like such a hash
 * gets one, too.
 */
export function namesOf(proxy: string, hash: (text: string) => string): Names {
  const base = baseOf(proxy, hash);
  return {
    base,
    endpoints: `${base}${ENDPOINTS}`,
    admin: `${base}${ADMIN}`,
    configPart: (part) => `${base}${config(part)}`,
  };
}

function baseOf(proxy: string, hash: (text: string) => string): string {
  const room = LONGEST_LABEL - PREFIX.length - SUFFIX;
  if (proxy.length <= room && !proxy.includes(".") && !HASHED.test(proxy) && proxy !== TAKEN) return PREFIX + proxy;
  const start = proxy.slice(0, room - 1 - DIGITS).replaceAll(".", "-");
  return `${PREFIX}${start}-${hash(proxy).slice(0, DIGITS)}`;
}
