/** The names that users, the operator and the data plane agree on: spelled here and nowhere else. */
export const GROUP = "wsproxy.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = "WebSocketProxy";

/** Annotations on API-key Secrets. */
export const EXPIRES_AT = `${GROUP}/expires-at`;
export const DISABLED = `${GROUP}/disabled`;

/** The files of a rendered config folder. */
export const CONFIG_FILE = "config.json";
export const ENDPOINTS_FILE = "endpoints.json";

/** Stands in a client's subprotocol offer so that the gateway can answer it where the backend chose none. */
export const PLAIN_SUBPROTOCOL = "wsproxy";
