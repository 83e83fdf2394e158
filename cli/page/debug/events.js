import { cut, LONGEST } from "./shown.js";

// The answers of the admin port as this page uses them. Each value is checked and each text cut, since the other side may be of
// another version, and its texts come from clients: a field that is not as expected counts as absent.

/** Steps of a trace, entries of a list. */
const MOST_STEPS = 64;
const MOST_PROXIES = 64;
const MOST_PODS = 1024;
const NO_FIELDS = Object.freeze(Object.create(null));

/** @typedef {{ readonly fromClient: number, readonly fromBackend: number }} BothWays */
/** @typedef {ReturnType<typeof readStep>} Step */
/** @typedef {ReturnType<typeof readHandshake>} Handshake */
/** @typedef {ReturnType<typeof readClosed>} Closed */
/** @typedef {ReturnType<typeof readHappening>} Happening */
/** @typedef {ReturnType<typeof readFrame>} Frame */
/** @typedef {ReturnType<typeof readSession>} Session */
/** @typedef {ReturnType<typeof readConfig>[number]} Served */

/** @param {unknown} json */
export function readHandshake(json) {
  const it = fields(json);
  const steps = list(it["steps"], MOST_STEPS).map(readStep);
  return {
    ...common(it),
    host: text(it["host"]),
    path: text(it["path"]),
    status: number(it["status"]) ?? 0,
    reason: text(it["reason"]) ?? "",
    policy: text(it["policy"]),
    cause: text(it["cause"], LONGEST.fact),
    session: text(it["session"]),
    endpoint: text(it["endpoint"]),
    dialMillis: number(it["dialMillis"]),
    backendStatus: number(it["backendStatus"]),
    millis: number(it["millis"]),
    steps,
    past: it["past"] === true,
  };
}

/** @param {unknown} json */
function readStep(json) {
  const it = fields(json);
  return {
    name: text(it["name"]) ?? "",
    verdict: text(it["verdict"]) ?? "",
    reason: text(it["reason"]),
    micros: number(it["micros"]),
  };
}

/** @param {unknown} json */
export function readClosed(json) {
  const it = fields(json);
  return {
    ...common(it),
    session: text(it["session"]) ?? "",
    code: number(it["code"]) ?? 0,
    reason: text(it["reason"]) ?? "",
    policy: text(it["policy"]),
    cause: text(it["cause"], LONGEST.fact),
    by: text(it["by"]) ?? "",
    duration: number(it["duration"]) ?? Number.NaN,
    messages: bothWays(it["messages"]),
    bytes: bothWays(it["bytes"]),
  };
}

/**
 * A limit that was hit, or another thing in the life of a session.
 * @param {unknown} json
 */
export function readHappening(json) {
  const it = fields(json);
  return {
    ...common(it),
    session: text(it["session"]),
    what: text(it["what"]) ?? "limit",
    policy: text(it["policy"]),
    per: text(it["per"]),
    action: text(it["action"]),
    shadow: it["shadow"] === true,
    direction: text(it["direction"]),
    code: number(it["code"]),
    reason: text(it["reason"]),
  };
}

/** @param {unknown} json */
export function readTlsFailed(json) {
  const it = fields(json);
  return { ...common(it), cause: text(it["cause"], LONGEST.fact) ?? "" };
}

/** @param {unknown} json */
export function readWatching(json) {
  const it = fields(json);
  const proxies = list(it["proxies"], MOST_PROXIES).flatMap((one) => text(one) ?? []);
  return { proxies, payload: it["payload"] === true };
}

/**
 * Which pods are watched, and which cannot be.
 * @param {unknown} json
 */
export function readPods(json) {
  const it = fields(json);
  return { pods: list(it["pods"], MOST_PODS).flatMap((one) => text(one) ?? []), failures: readFailures(json) };
}

/**
 * What keeps a pod, or all of them, from being watched.
 * @param {unknown} json
 */
export function readTrouble(json) {
  const it = fields(json);
  return { pod: text(it["pod"]), message: text(it["message"], LONGEST.fact) ?? "" };
}

/**
 * The pods that did not answer, of an answer that is made of those of all pods.
 * @param {unknown} json
 */
export function readFailures(json) {
  return list(fields(json)["failures"], MOST_PODS).flatMap((one) => {
    const { pod, message } = readTrouble(one);
    return pod === undefined ? [] : { pod, message };
  });
}

/** @param {unknown} json */
export function readFrame(json) {
  const it = fields(json);
  return {
    at: time(it["at"]),
    direction: text(it["direction"]) ?? "",
    opcode: number(it["opcode"]) ?? -1,
    fin: it["fin"] === true,
    compressed: it["compressed"] === true,
    size: number(it["size"]) ?? 0,
    verdict: text(it["verdict"]) ?? "",
    reason: text(it["reason"]),
    payload: text(it["payload"], LONGEST.payload),
    binary: it["binary"] === true,
  };
}

/**
 * Frames that the gateway left out.
 * @param {unknown} json
 */
export function readLeftOut(json) {
  const it = fields(json);
  return { at: time(it["at"]), frames: number(it["frames"]) ?? 0 };
}

/** @param {unknown} json */
function readSession(json) {
  const it = fields(json);
  return {
    session: text(it["id"]) ?? "",
    pod: text(it["pod"]),
    proxy: text(it["proxy"]) ?? "",
    route: text(it["route"]),
    client: text(it["client"]),
    address: text(it["address"]),
    at: time(it["since"]),
    messages: bothWays(it["messages"]),
    bytes: bothWays(it["bytes"]),
    subprotocol: text(it["subprotocol"]),
  };
}

/**
 * A page of `/sessions`.
 * @param {unknown} json
 */
export function readSessions(json) {
  const it = fields(json);
  const next = it["next"];
  const sessions = list(it["sessions"], 1000).map(readSession);
  // Never cut: the gateway wants it back as it is.
  return {
    sessions,
    next: typeof next === "string" && next.length <= 1024 ? next : undefined,
    failures: readFailures(json),
  };
}

/**
 * Which pod serves which generation of which proxy, from `/config`.
 * @param {unknown} json
 */
export function readConfig(json) {
  return list(fields(json)["proxies"], MOST_PODS).map((one) => {
    const it = fields(one);
    return {
      pod: text(it["pod"]),
      proxy: text(it["proxy"]) ?? "",
      generation: number(it["generation"]),
      removed: it["removed"] === true,
      rejected: text(list(fields(it["rejected"])["problems"], 1)[0], LONGEST.fact),
    };
  });
}

/** @param {unknown} json */
export function readCloseAnswer(json) {
  const it = fields(json);
  return {
    closed: number(it["closed"]) ?? 0,
    note: text(it["note"], LONGEST.fact) ?? "",
    failures: readFailures(json),
  };
}

/** @param {Readonly<Record<string, unknown>>} it */
function common(it) {
  return {
    at: time(it["at"]),
    pod: text(it["pod"]),
    proxy: text(it["proxy"]) ?? "",
    route: text(it["route"]),
    requestId: text(it["requestId"]),
    client: text(it["client"]),
    address: text(it["address"]),
  };
}

/**
 * @param {unknown} json
 * @returns {Readonly<Record<string, unknown>>}
 */
function fields(json) {
  return typeof json === "object" && json !== null ? /** @type {Record<string, unknown>} */ (json) : NO_FIELDS;
}

/**
 * @param {unknown} json
 * @param {number} most
 * @returns {unknown[]}
 */
function list(json, most) {
  return Array.isArray(json) ? json.slice(0, most) : [];
}

/**
 * @param {unknown} json
 * @param {number} [longest] characters
 */
function text(json, longest = LONGEST.cell) {
  return typeof json === "string" ? cut(json, longest) : undefined;
}

/** @param {unknown} json */
function number(json) {
  return typeof json === "number" && Number.isFinite(json) && json >= 0 ? json : undefined;
}

/** @param {unknown} json */
function time(json) {
  return typeof json === "string" && json.length <= 64 ? Date.parse(json) : Number.NaN;
}

/**
 * @param {unknown} json
 * @returns {BothWays}
 */
function bothWays(json) {
  const it = fields(json);
  return { fromClient: number(it["fromClient"]) ?? 0, fromBackend: number(it["fromBackend"]) ?? 0 };
}
