import { PACKED } from "../../api/meta.ts";

/** The names of one proxy's objects. */
export interface Names {
  /** Of every object of which there is one, and the value of the label by which all are found. */
  readonly base: string;
  readonly endpoints: string;
  /** Of the Secret with the admin token. */
  readonly admin: string;
  readonly configPart: (part: number) => string;
}

const PREFIX = "wsproxy-";
/** Kubernetes' bound for the name of a Service and for the value of a label. */
const LONGEST = 63;
const ENDPOINTS = "-endpoints";
const ADMIN = "-admin";
const config = (part: number): string => `-config-${part}`;
const SUFFIX = Math.max(ENDPOINTS.length, ADMIN.length, config(PACKED.mostParts - 1).length);
const DIGITS = 8;
/** What stands in a name instead of the rest of it. */
const HASHED = new RegExp(`-[0-9a-f]{${DIGITS}}$`);
/** `wsproxy-operator` is what the operator itself is called. */
const TAKEN = "operator";

/**
 * Names for a proxy of any legal name. A short name is used as it is. A long one is cut, one with dots gets dashes, and a
 * hash of the whole makes up for what is lost; a name that looks as if it had one gets one too, so that no two collide.
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
  const room = LONGEST - PREFIX.length - SUFFIX;
  if (proxy.length <= room && !proxy.includes(".") && !HASHED.test(proxy) && proxy !== TAKEN) return PREFIX + proxy;
  const kept = proxy.slice(0, room - 1 - DIGITS).replaceAll(".", "-");
  return `${PREFIX}${kept}-${hash(proxy).slice(0, DIGITS)}`;
}
