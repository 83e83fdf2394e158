/** The names that users, the operator and the data plane agree on: spelled here and nowhere else. */
export const GROUP = "wsproxy.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = "WebSocketProxy";
export const PLURAL = "websocketproxies";

/** Annotations on API-key Secrets. */
export const EXPIRES_AT = `${GROUP}/expires-at`;
export const DISABLED = `${GROUP}/disabled`;

/**
 * Label of a Secret, with the value "true", by which its owner permits the WebSocketProxies of the namespace to use it: as
 * credentials of theirs for a backend or an issuer of their choice.
 */
export const USE_LABEL = `${GROUP}/use`;

/** Label of everything that belongs to one proxy, its pods included. */
export const PROXY_LABEL = `${GROUP}/proxy`;

/** Port of a pod's /metrics, /healthz, /readyz and /config. */
export const ADMIN_PORT = 9090;

/** The key of a proxy's admin token in its Secret, and the file of the config folder that holds it in a pod. */
export const ADMIN_TOKEN_KEY = "token";
export const ADMIN_TOKEN_FILE = "admin-token";

/** The files of a rendered config folder. */
export const CONFIG_FILE = "config.json";
export const ENDPOINTS_FILE = "endpoints.json";

/**
 * The same as it stands in objects of the API: gzip of the text, the config's in parts (`config.json.gz.0` …), and beside
 * each the SHA-256 of the text in hex. Objects reach a pod one by one, so only what fits its hash is believed.
 */
export const PACKED = {
  configPart: (part: number): string => `config.json.gz.${part}`,
  /** How many parts there are. */
  configParts: "parts",
  configHash: "config.sha256",
  endpoints: "endpoints.json.gz",
  endpointsHash: "endpoints.sha256",
  /** One part fits one object of the API with room to spare. */
  largestPart: 900_000,
  mostParts: 4,
} as const;

/** Most bytes of a config's text, and of the endpoints', that a data plane reads. */
export const LARGEST_TEXT = 64 * 1024 * 1024;

/** The same that an operator writes, and reads back: its memory is bounded, and 100,000 copies of keys fit. */
export const LARGEST_WRITTEN = 16 * 1024 * 1024;

/** Stands in a client's subprotocol offer so that the gateway can answer it where the backend chose none. */
export const PLAIN_SUBPROTOCOL = "wsproxy";
