import type { Config } from "../../api/config.ts";
import type { ObjectMetadata } from "../../api/websocket-proxy.ts";
import type { Steps } from "./steps.ts";

/** Everything that a translation may look at: one proxy, and the objects of its namespace that it may refer to. */
export interface Resources {
  /** The WebSocketProxy manifest as it was read, not yet validated. */
  readonly proxy: unknown;
  readonly secrets: readonly Secret[];
  readonly configMaps: readonly ConfigMap[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  /** Absent: all of them could be read. */
  readonly unread?: readonly Unread[];
  /** Digests that were seen in Secrets since some could not be read: a key that is in none of them now was removed. */
  readonly seenKeys?: ReadonlySet<string>;
  /** Services of which some EndpointSlices were not read, since there are more than is read for one proxy; how many there are. */
  readonly cutServices?: ReadonlyMap<string, number>;
}

/** A Secret or ConfigMap that is there and cannot be read. */
export interface Unread {
  readonly kind: "Secret" | "ConfigMap";
  readonly metadata: Pick<ObjectMetadata, "namespace" | "name" | "labels">;
  /** The operator lacks the right. */
  readonly forbidden: boolean;
  /** Why, as the API server says it. */
  readonly words: string;
  /** It was not asked for: the budget of the proxy had been spent by then, in these words. */
  readonly beyond?: string;
  /** Nothing of it is in force: it was never read as long as it is known which were. */
  readonly newcomer?: boolean;
}

export interface Secret {
  readonly metadata: ObjectMetadata;
  readonly type: string;
  /** Decoded; values that are not UTF-8 are left out and named in `unreadable`. Of API keys there may be digests only. */
  readonly data: Readonly<Record<string, string>>;
  readonly unreadable: readonly string[];
  /** The entries as API keys, where their values are not kept; absent: they stand in `data`. */
  readonly keys?: readonly KeyEntry[];
}

export interface ConfigMap {
  readonly metadata: ObjectMetadata;
  readonly data: Readonly<Record<string, string>>;
}

export type Family = "IPv4" | "IPv6";

export interface Service {
  readonly metadata: ObjectMetadata;
  readonly type: string;
  /** The first one before the second; absent where nobody has decided, which in a cluster the API server does. */
  readonly ipFamilies?: readonly Family[];
  readonly externalName?: string;
  readonly ports: readonly ServicePort[];
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
}

export interface EndpointSlice {
  readonly metadata: ObjectMetadata;
  /** From the label kubernetes.io/service-name. */
  readonly service: string;
  readonly addressType: Family | "FQDN";
  readonly ports: readonly { readonly name?: string; readonly port?: number }[];
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    /** Which pod it is, where it is one: the same in the slices of both families. */
    readonly pod?: string;
    readonly ready: boolean;
    readonly serving: boolean;
    readonly terminating: boolean;
  }[];
}

/** Pure functions that need a platform: given by whoever calls the translation, so that it stays free of one. */
export interface Tools {
  /** SHA-256 of the UTF-8 text, base64url without padding. */
  sha256(text: string): string;
  /** What is wrong with a PEM certificate chain and, where given, its private key; undefined if nothing is. */
  certificateProblem(certificate: string, privateKey: string | undefined): string | undefined;
  /** What is wrong with a JWK as a public verification key; undefined if nothing is. */
  keyProblem(jwk: Readonly<Record<string, unknown>>): string | undefined;
}

/** What is permitted where the config is to serve: a cluster, or a process that reads files. */
export interface TranslateOptions {
  /** Services with externalName may be dialled: only outside a cluster, where whoever writes the manifest owns the network. */
  readonly externalNames: boolean;
  /**
   * The reader of the status has the Secrets at hand, as in files: it may compare them and say what is in them. In a
   * cluster an account that may read a WebSocketProxy may not read Secrets.
   */
  readonly secretsAtHand?: boolean;
  /** Port of the gateway's own that no listener can have. */
  readonly adminPort?: number;
  /** What is wrong with the size of a config, where it has to fit somewhere; undefined if nothing is. */
  readonly excess?: (config: Config) => Steps<string | undefined>;
  /** Who has a listener port already, if it is not this proxy: where one process serves several. */
  readonly portOwner?: (port: number) => string | undefined;
}

/** One entry of a Secret as an API key: what there is to know of it, and never the key. */
export interface KeyEntry {
  readonly client: string;
  /** SHA-256 of the key, base64url without padding. */
  readonly digest: string;
  /** Why it cannot be a key. */
  readonly fault?: KeyFault;
}

/** Why an entry cannot be a key: `key-entries.ts` has the words and the bounds. */
export type KeyFault = "TooShort" | "TooLong" | "ControlCharacter";
