import { record } from "../../kube/record.ts";
import { pairIn, type Pair, type PairText } from "./pair.ts";

/** The usable pairs of the Secret. */
export interface StoredPairs {
  /** The pair that replicas serve. */
  readonly current: Pair | undefined;
  /** The pair that they are to serve when the API server trusts its CA. */
  readonly next: Pair | undefined;
}

/** What a JSON merge patch writes: base64, or null for a field that goes. */
export type SecretData = Readonly<Record<string, string | null>>;

/** Fields of a pair in the Secret. Those of the current one have the names that cert-manager and other issuers use. */
const CURRENT: PairText = { cert: "tls.crt", key: "tls.key", ca: "ca.crt" };
const NEXT: PairText = { cert: "next.crt", key: "next.key", ca: "next-ca.crt" };

/** What can be used of the data of a Secret; whatever else is in it counts as nothing. `host`: as in `pairIn`. */
export function pairsIn(untrusted: unknown, host: string | undefined): StoredPairs {
  const data = record(untrusted);
  const read = (fields: PairText): Pair | undefined =>
    pairIn({ cert: text(data[fields.cert]), key: text(data[fields.key]), ca: text(data[fields.ca]) }, host);
  return { current: read(CURRENT), next: read(NEXT) };
}

/** The change that stores a new pair beside the one that is served. */
export function storing(next: PairText): SecretData {
  return written(NEXT, next);
}

/** The change that makes the next pair the current one. */
export function promoting(next: PairText): SecretData {
  return { ...written(CURRENT, next), [NEXT.cert]: null, [NEXT.key]: null, [NEXT.ca]: null };
}

/** The data of a Secret that has only a next pair. Its type demands the two other fields. */
export function firstData(next: PairText): SecretData {
  return { [CURRENT.cert]: "", [CURRENT.key]: "", ...storing(next) };
}

function written(fields: PairText, pair: PairText): Readonly<Record<string, string>> {
  const base64 = (pem: string): string => Buffer.from(pem).toString("base64");
  return { [fields.cert]: base64(pair.cert), [fields.key]: base64(pair.key), [fields.ca]: base64(pair.ca) };
}

/** Not a text, as after a mistake: empty. */
function text(base64: unknown): string {
  return typeof base64 === "string" ? Buffer.from(base64, "base64").toString() : "";
}
