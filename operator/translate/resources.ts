import type { Config } from "../../api/config.ts";
import type { ObjectMetadata } from "../../api/websocket-proxy.ts";
import type { Steps } from "./steps.ts";
import type { ServiceShape, SidecarShape } from "./translation.ts";

/** Everything that a translation may read: one proxy, and the objects of its namespace that it may refer to. */
export interface Resources {
  /** The WebSocketProxy manifest as it was read, not yet validated. */
  readonly proxy: unknown;
  readonly secrets: readonly Secret[];
  readonly configMaps: readonly ConfigMap[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  /** Absent: all of them were read. */
  readonly unread?: readonly Unread[];
  /** Digests of keys in force that were seen in a Secret since another could not be read: one that is in none now was removed. */
  readonly seenKeys?: ReadonlySet<string>;
  /** Service → number of its EndpointSlices, for each Service of which the budget left some out. */
  readonly cutServices?: ReadonlyMap<string, number>;
  /** How the proxy's own Service leads to the listener in force; absent: it does not, or that is not known. */
  readonly serviceInForce?: ServiceShape;
  /** What pods get with the config in force; absent: it is not of mode Sidecar, or that is not known. */
  readonly sidecarInForce?: SidecarShape;
  /** Absent: every object could be decoded. */
  readonly undecoded?: readonly Undecoded[];
}

/** An object that exists and that the translation cannot use at all. */
export interface Undecoded {
  readonly kind: "Secret" | "ConfigMap" | "Service" | "EndpointSlice";
  readonly metadata: Pick<ObjectMetadata, "namespace" | "name" | "labels">;
  /** What is wrong with it; a bounded text without a value of a Secret. With `beyond` a sentence about the object. */
  readonly words: string;
  /** Of an EndpointSlice: the Service that it belongs to. */
  readonly service?: string;
  /** Is it well-formed, and not used for another reason? */
  readonly beyond?: true;
  /** Of a Secret: are most of its labels not known? */
  readonly labelsLeftOut?: true;
}

/** A Secret or ConfigMap that exists and was not read: it cannot be read, or lies beyond the proxy's budget. */
export interface Unread {
  readonly kind: "Secret" | "ConfigMap";
  readonly metadata: Pick<ObjectMetadata, "namespace" | "name" | "labels">;
  /** Does the operator lack the right to read it? */
  readonly forbidden: boolean;
  /** Why it cannot be read, in the API server's words. */
  readonly words: string;
  /** Which budget left it out, in words for the status; absent: none did. */
  readonly beyond?: string;
  /** Was it never read before, so that no key of it is in force? Absent: that is not known. */
  readonly isNew?: boolean;
}

/** A Secret, decoded. */
export interface Secret {
  readonly metadata: ObjectMetadata;
  readonly type: string;
  /** Decoded, without the values that are not UTF-8 text. Values of API keys may be left out: then `keys` has their digests. */
  readonly data: Readonly<Record<string, string>>;
  /** Names of the entries that are not UTF-8 text. */
  readonly notText: readonly string[];
  /** Are most of its labels not known, since there are too many? Then no selector finds it. */
  readonly labelsLeftOut?: true;
  /** The entries as API keys; absent: their values are in `data`. */
  readonly keys?: readonly KeyEntry[];
}

/** A ConfigMap; only text entries. */
export interface ConfigMap {
  readonly metadata: ObjectMetadata;
  readonly data: Readonly<Record<string, string>>;
  /** Names of entries that are in binaryData; absent: there is none, or none that the proxy names. */
  readonly binary?: readonly string[];
}

/** An address family. */
export type Family = "IPv4" | "IPv6";

/** A Service, as far as a backend needs it. */
export interface Service {
  readonly metadata: ObjectMetadata;
  readonly type: string;
  /** In the order of preference; absent only in files, since in a cluster the API server sets them. */
  readonly ipFamilies?: readonly Family[];
  readonly externalName?: string;
  readonly ports: readonly ServicePort[];
  /** Ports of other protocols, which the gateway does not dial; absent: it has none. */
  readonly otherPorts?: readonly OtherPort[];
  /** What of it is left out, and why; a bounded text. Absent: nothing is. */
  readonly leftOut?: string;
}

/** A port of another protocol than TCP. */
export interface OtherPort {
  readonly name?: string;
  readonly port?: number;
  readonly protocol: string;
}

/** A TCP port of a Service. */
export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
}

/** An EndpointSlice, with its conditions resolved to booleans. */
export interface EndpointSlice {
  readonly metadata: ObjectMetadata;
  /** From the label kubernetes.io/service-name. */
  readonly service: string;
  /** IPv4 and IPv6 are dialled; there are slices of others, such as FQDN. */
  readonly addressType: string;
  readonly ports: readonly { readonly name?: string; readonly port?: number }[];
  /** As in `Service`. */
  readonly otherPorts?: readonly OtherPort[];
  /** As in `Service`. */
  readonly leftOut?: string;
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    /** The pod, where the endpoint is one: the same text in the slices of both families. */
    readonly pod?: string;
    readonly ready: boolean;
    readonly serving: boolean;
    readonly terminating: boolean;
  }[];
}

/** Pure functions that need a platform: the caller gives them to the translation, which so needs none itself. */
export interface Tools {
  /** SHA-256 of the UTF-8 text, base64url without padding. */
  sha256(text: string): string;
  /** What is wrong with a PEM certificate chain and, where given, its private key; undefined if nothing is. */
  certificateProblem(certificate: string, privateKey: string | undefined): string | undefined;
  /** What is wrong with a JWK as a public verification key; undefined if nothing is. */
  keyProblem(jwk: Readonly<Record<string, unknown>>): string | undefined;
}

/**
 * Can mode Sidecar be served in a namespace: does the operator serve the webhook, does the server have native sidecars, and
 * does the webhook see the pods of the namespace?
 */
export type SidecarSupport = "On" | "TurnedOff" | "OldServer" | "NamespaceLeftOut";

/** What is permitted where the config is to serve: a cluster, or a process that reads files. */
export interface TranslateOptions {
  /** May Services with externalName be dialled? Only outside a cluster, where the author of the manifests owns the network. */
  readonly externalNames: boolean;
  /**
   * Can readers of the status read the Secrets, too, as in files? Problems may say then what Secrets hold. In a cluster an
   * account that may read a WebSocketProxy may lack the right to read Secrets.
   */
  readonly secretsAtHand?: boolean;
  /** The gateway's own admin port, which no listener can have. */
  readonly adminPort?: number;
  /** Is mode Sidecar served? Absent: it is, as where a process reads files. */
  readonly sidecar?: SidecarSupport;
  /** What is wrong with the size of a config, as a sentence that continues its path; undefined: it fits. Absent: no bound. */
  readonly excess?: (config: Config) => Steps<string | undefined>;
  /** The owner of a listener port, in words, if it is another proxy; absent where a process serves one proxy only. */
  readonly portOwner?: (port: number) => string | undefined;
}

/** One entry of a Secret as an API key; it holds the digest, never the key. */
export interface KeyEntry {
  readonly client: string;
  /** SHA-256 of the key, base64url without padding. */
  readonly digest: string;
  /** Why it cannot be a key; absent: it can. */
  readonly fault?: KeyFault;
}

/** Why an entry cannot be a key: `key-entries.ts` has the words and the bounds. */
export type KeyFault = "TooShort" | "TooLong" | "ControlCharacter";
