const KEY = "wsproxy-admin-token";

/**
 * The places of a browser where a token is looked for.
 * @typedef {object} Places
 * @property {{ hash: string, pathname: string, search: string }} location
 * @property {{ replaceState(state: unknown, unused: string, url: string): void }} history
 * @property {{ getItem(key: string): string | null, setItem(key: string, value: string): void, removeItem(key: string): void }} storage
 *   of this tab only
 */

/**
 * The token: that of the link's fragment, which then leaves the address bar and the history; else that of an earlier page in
 * this tab.
 * @param {Places} places
 * @returns {string | undefined}
 */
export function takeToken({ location, history, storage }) {
  const linked = tokenIn(location.hash);
  if (linked === undefined) return stored(storage);
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  keepToken(linked, storage);
  return linked;
}

/**
 * Keeps the token for as long as the tab is open; undefined: forgets it.
 * @param {string | undefined} token
 * @param {Places["storage"]} storage
 */
export function keepToken(token, storage) {
  try {
    if (token === undefined) storage.removeItem(KEY);
    else storage.setItem(KEY, token);
  } catch {
    // The browser keeps nothing for pages: a reload asks for the token again.
  }
}

/**
 * The storage of this tab, or one that keeps nothing where the browser allows none.
 * @param {() => Places["storage"]} get
 * @returns {Places["storage"]}
 */
export function tabStorage(get) {
  try {
    return get();
  } catch {
    return { getItem: () => null, setItem() {}, removeItem() {} };
  }
}

/** @param {Places["storage"]} storage */
function stored(storage) {
  try {
    return storage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * The token in a fragment, or in a link that a person pasted; undefined: there is none.
 * @param {string} text
 */
export function tokenIn(text) {
  const [, encoded = ""] = /[#&]token=([^&]*)/.exec(text) ?? [];
  try {
    const token = decodeURIComponent(encoded).trim();
    return token === "" ? undefined : token;
  } catch {
    return undefined;
  }
}
