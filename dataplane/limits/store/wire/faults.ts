import {
  ConnectionTimeoutError,
  DisconnectsClientError,
  ErrorReply,
  SocketClosedUnexpectedlyError,
} from "@redis/client";
import { bounded } from "../../../../runtime/log.ts";
import { targetOf, type Target } from "./settings.ts";

/** What is done about a fault of the store. */
export type Fault =
  /** The store does not know the script: it gets the text. */
  | { readonly kind: "NoScript"; readonly cause: string }
  /** The server is a wrong one, or wants another login: a new connection may reach a better one. */
  | { readonly kind: "Elsewhere"; readonly cause: string }
  /** The server will do it again, perhaps soon. */
  | { readonly kind: "Later"; readonly cause: string }
  /** Another node of the cluster has the keys; no host: the one that says so has it, on another port. */
  | { readonly kind: "Moved"; readonly cause: string; readonly to: Target }
  /** One call failed, which says nothing of the next. */
  | { readonly kind: "Call"; readonly cause: string };

/** Characters of a server's text that are told. */
const LONGEST = 160;

const NOT_ALLOWED = "its user may not do what is needed";
/** How Redis and Valkey say that a script may not run a command. */
const OF_SCRIPT = /user executing the script can't|ACL failure in script/i;

const CODES: Readonly<Record<string, readonly [Fault["kind"], string]>> = {
  NOSCRIPT: ["NoScript", "it does not know the script"],
  READONLY: ["Elsewhere", "it is a read-only replica"],
  MASTERDOWN: ["Elsewhere", "it is a replica that lost its master"],
  NOREPLICAS: ["Later", "it has fewer replicas than it wants"],
  NOAUTH: ["Elsewhere", "it wants a password"],
  WRONGPASS: ["Elsewhere", "it refuses the user name or the password"],
  NOPERM: ["Elsewhere", NOT_ALLOWED],
  OOM: ["Later", "its memory is full (maxmemory)"],
  MISCONF: ["Later", "it cannot write to its disk"],
  LOADING: ["Later", "it is loading its data"],
  BUSY: ["Later", "another script keeps it busy"],
  CLUSTERDOWN: ["Later", "the cluster is down"],
  TRYAGAIN: ["Later", "the cluster is moving the keys"],
  ASK: ["Later", "the cluster is moving the keys"],
  MOVED: ["Moved", "another node of the cluster has the keys"],
};

/** Behind `-` stands the error of a command in a script, as servers before Redis 7 tell it. */
const CODE = /(?:^|-)([A-Z]+)(?= |$)/g;
const MOVED = /^MOVED \d+ (\S*):(\d{1,5})$/;

/** What an error that the store answered with asks for. */
export function faultOf(answer: string): Fault {
  const text = answer.slice(0, 1024);
  const code = [...text.matchAll(CODE)].map(([, word = ""]) => word).find((word) => Object.hasOwn(CODES, word));
  const [kind, cause] = CODES[code ?? ""] ?? ["Call", ""];
  if (kind === "Moved") return moved(text, cause);
  if (kind !== "Call") return { kind, cause };
  if (OF_SCRIPT.test(text)) return { kind: "Elsewhere", cause: NOT_ALLOWED };
  if (/unknown command/i.test(text)) return { kind: "Elsewhere", cause: lacks(text) };
  return { kind, cause: `it answered ${plain(text)}` };
}

function moved(text: string, cause: string): Fault {
  const [, host = "", port = ""] = MOVED.exec(text) ?? [];
  if (port === "" || Number(port) < 1 || Number(port) > 65_535) return { kind: "Later", cause };
  const to = targetOf(`${host === "?" ? "" : host}:${port}`);
  return { kind: "Moved", cause, to };
}

/** The server says back what it was sent behind the command, a password among it: that is not repeated. */
function lacks(text: string): string {
  const command = /unknown command [`'"]?([A-Za-z]{1,20})/i.exec(text)?.[1]?.toUpperCase() ?? "that is needed";
  return `it does not know the command ${command}: Redis 6.2 or newer is needed, and not Sentinel`;
}

const SYSTEM: Readonly<Record<string, string>> = {
  ECONNREFUSED: "it refuses connections",
  ECONNRESET: "it closed the connection",
  EPIPE: "it closed the connection",
  ENOTFOUND: "its name has no address",
  EAI_AGAIN: "its name has no address now",
  ETIMEDOUT: "it did not answer in time",
  EHOSTUNREACH: "its address cannot be reached",
  ENETUNREACH: "its address cannot be reached",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is of an authority that is not trusted",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is of an authority that is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is of an authority that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is of an authority that is not trusted",
  CERT_SIGNATURE_FAILURE: "its certificate is of an authority that is not trusted",
};

/** Why a connection ended or did not come about, in plain words; never with a login. */
export function causeOf(error: Error & { readonly code?: unknown }): string {
  if (error instanceof ErrorReply) return faultOf(error.message).cause;
  const code = typeof error.code === "string" ? error.code : error.name;
  const { message } = error;
  const known = SYSTEM[code];
  if (known !== undefined) return known;
  if (error instanceof SocketClosedUnexpectedlyError) return "it closed the connection";
  if (error instanceof DisconnectsClientError) return "its connection was given up";
  if (error instanceof ConnectionTimeoutError) return "it did not answer in time";
  if (/wrong version number|packet length too long/.test(message)) return "it does not speak TLS";
  if (/Unknown RESP type|reading 'resolve'|reading 'reject'/.test(message)) return "it speaks another protocol";
  return plain(message || code);
}

function plain(text: string): string {
  return bounded(text.replace(/,? with args.*$/s, ""), LONGEST);
}
