/** Names that users, the operator and the data plane share: written here and nowhere else. */
export const GROUP = "wsproxy.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = "WebSocketProxy";
export const PLURAL = "websocketproxies";

/** Annotations on API-key Secrets. */
export const EXPIRES_AT = `${GROUP}/expires-at`;
export const DISABLED = `${GROUP}/disabled`;

/**
 * Label of a Secret. With the value "true" its owner permits every WebSocketProxy of the namespace to send the
 * credentials in it to a backend or an issuer that the WebSocketProxy names.
 */
export const USE_LABEL = `${GROUP}/use`;

/** Label of every object that belongs to one proxy, its pods included. */
export const PROXY_LABEL = `${GROUP}/proxy`;

/** Label of a pod that a user makes: name of the WebSocketProxy of mode Sidecar whose data plane runs in the pod. */
export const INJECT_LABEL = `${GROUP}/inject`;

/** Label of a pod into which the operator put a data plane; its value is that of the proxy label of the proxy's objects. */
export const INJECTED_LABEL = `${GROUP}/injected`;

/** Annotation of a pod that a user makes: the admin port of its data plane, where ADMIN_PORT is taken. */
export const ADMIN_PORT_ANNOTATION = `${GROUP}/admin-port`;

/** Annotation of an injected pod: a hash of the container that it got, without what the pod itself decides. */
export const SHAPE_ANNOTATION = `${GROUP}/shape`;

/** Annotation of an injected pod: names of its containers that have a preStop hook of their own, with commas between. */
export const OWN_PRE_STOP_ANNOTATION = `${GROUP}/own-prestop`;

/** The data plane's container in an injected pod, and the names of its ports. */
export const SIDECAR = { container: "wsproxy", listener: "wsproxy", admin: "wsproxy-admin" } as const;

/** Port of a pod's /metrics, /healthz, /readyz and /config. */
export const ADMIN_PORT = 9090;

/** The key of a proxy's admin token in its Secret, and the file of the config folder that holds it in a pod. */
export const ADMIN_TOKEN_KEY = "token";
export const ADMIN_TOKEN_FILE = "admin-token";

/** The files of a rendered config folder. */
export const CONFIG_FILE = "config.json";
export const ENDPOINTS_FILE = "endpoints.json";

/**
 * The same files as keys of Kubernetes objects: the gzip of each text (the config's in parts, `config.json.gz.0` …) and
 * the SHA-256 of the text in hex. Objects reach a pod one by one, so a pod uses a text only if it has its hash.
 */
export const PACKED = {
  configPart: (part: number): string => `config.json.gz.${part}`,
  /** Its value: the number of parts. */
  configParts: "parts",
  configHash: "config.sha256",
  endpoints: "endpoints.json.gz",
  endpointsHash: "endpoints.sha256",
  /** Bytes of one part; a Kubernetes object holds at most 1 MiB. */
  largestPart: 900_000,
  mostParts: 4,
} as const;

/** Largest text, in bytes, of a config or of endpoints that a data plane reads. */
export const LARGEST_TEXT = 64 * 1024 * 1024;

/**
 * Largest such text that an operator writes and reads back, in bytes: 100,000 API keys fit, and its memory is bounded.
 */
export const LARGEST_WRITTEN = 16 * 1024 * 1024;

/** A subprotocol that a client may offer: the gateway answers with it if the backend chose none. */
export const PLAIN_SUBPROTOCOL = "wsproxy";
