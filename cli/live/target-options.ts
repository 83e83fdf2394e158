import { isIP } from "node:net";
import { oneLine } from "../connect/terminal-text.ts";
import { UsageError, type Arguments, type OptionSpecs } from "../line/arguments.ts";

/** The options with which a command names a gateway: a proxy of a cluster, or the URL of one process. */
export const TARGET_OPTIONS = {
  namespace: { short: "n", value: "NAME", help: "namespace of the proxy; default: that of the context" },
  context: { value: "NAME", help: "context of the kubeconfig; default: the current one" },
  kubeconfig: { value: "FILE", help: "default: as kubectl, KUBECONFIG or ~/.kube/config" },
  url: {
    value: "URL",
    help: "the admin port of one process, such as http://127.0.0.1:9090; PROXY: only this one of its",
  },
  token: { value: "TOKEN", dash: true, help: "with --url: its admin token, which other users of this machine may see" },
  "token-file": { value: "FILE", help: "with --url: a file with its admin token" },
} as const satisfies OptionSpecs;

/** The operand of a command that takes TARGET_OPTIONS. */
export const TARGET_OPERANDS = ["[PROXY]"] as const;

/** A gateway as it was typed. */
export type TypedTarget =
  | {
      readonly in: "cluster";
      readonly proxy: string;
      readonly namespace: string | undefined;
      readonly context: string | undefined;
      readonly kubeconfig: string | undefined;
    }
  | {
      readonly in: "process";
      /** Only this proxy of the process; absent: all of them. */
      readonly proxy?: { readonly name: string; readonly namespace: string | undefined };
      readonly url: URL;
      readonly token: string | undefined;
      readonly tokenFile: string | undefined;
    };

const OF_CLUSTER = ["context", "kubeconfig"] as const;
const OF_PROCESS = ["token", "token-file"] as const;
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Reads the target; throws UsageError. */
export function typedTarget(args: Arguments): TypedTarget {
  const [proxy] = args.operands;
  const url = args.optional("url");
  if (url !== undefined) return processTarget(args, url, proxy);
  if (proxy === undefined) throw new UsageError("PROXY is missing; name a WebSocketProxy, or one process with --url");
  const foreign = OF_PROCESS.find((name) => args.flag(name));
  if (foreign !== undefined)
    throw new UsageError(`--${foreign} goes with --url only; in a cluster the token is read from its Secret`);
  return {
    in: "cluster",
    proxy: nameOf(proxy),
    namespace: namespaceOf(args),
    context: args.optional("context"),
    kubeconfig: args.optional("kubeconfig"),
  };
}

function nameOf(proxy: string): string {
  if (NAME.test(proxy)) return proxy;
  throw new UsageError(
    `${JSON.stringify(oneLine(proxy.slice(0, 100)))} cannot be the name of a WebSocketProxy; its namespace goes with -n`,
  );
}

function namespaceOf(args: Arguments): string | undefined {
  const namespace = args.optional("namespace");
  if (namespace === undefined || NAMESPACE.test(namespace)) return namespace;
  throw new UsageError(
    `--namespace ${JSON.stringify(oneLine(namespace.slice(0, 100)))} cannot be the name of a namespace`,
  );
}

function processTarget(args: Arguments, text: string, proxy: string | undefined): TypedTarget {
  const foreign = OF_CLUSTER.find((name) => args.flag(name));
  if (foreign !== undefined) throw new UsageError(`--${foreign} is about a cluster; it does not go with --url`);
  const namespace = namespaceOf(args);
  if (proxy === undefined && namespace !== undefined) {
    throw new UsageError("with --url, --namespace goes with PROXY: one proxy of the process");
  }
  const { url, token: linked } = urlIn(text);
  const token = args.optional("token") ?? linked;
  const tokenFile = args.optional("token-file");
  if (token !== undefined && tokenFile !== undefined)
    throw new UsageError("the token and --token-file do not go together");
  if (token === undefined && tokenFile === undefined) {
    throw new UsageError("--token or --token-file is missing; standalone prints its token when it starts");
  }
  // Not quoted: it is a secret.
  if (token !== undefined && !isToken(token)) throw new UsageError("the token has characters that no token has");
  const only = proxy === undefined ? {} : { proxy: { name: nameOf(proxy), namespace } };
  return { in: "process", url, token, tokenFile, ...only };
}

/** Can the text stand in a header? */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]{1,4096}$/.test(text);
}

/** The link that standalone prints holds the token in its fragment. The text is not quoted: it may hold the token. */
function urlIn(text: string): { url: URL; token: string | undefined } {
  const url = URL.parse(text);
  const wrong = (why: string): UsageError => new UsageError(`--url ${why}; write for example http://127.0.0.1:9090`);
  if (url === null || url.protocol !== "http:") throw wrong("is not a URL with http://");
  if (url.username !== "" || url.password !== "" || url.search !== "") throw wrong("has a user or a query");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) === 0 && host !== "localhost")
    throw wrong("names a host; the admin port is asked by an IP address or localhost");
  if (!["/", "/debug", "/sessions"].includes(url.pathname)) throw wrong("has a path");
  const linked = /^#token=(.+)$/.exec(url.hash)?.[1];
  return { url, token: linked === undefined ? undefined : decoded(linked) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The value of --address: an IP address. */
export function addressOf(args: Arguments): string | undefined {
  const address = args.optional("address");
  if (address === undefined || isIP(address) !== 0) return address;
  throw new UsageError("--address is not an IP address");
}
