import { oneLine } from "../connect/terminal-text.ts";
import type { TypedTarget } from "../live/target-options.ts";

/** Commands that a person may type next, complete with the context, the namespace and the names that were typed. */
export class NextCommands {
  readonly #cluster: readonly string[];
  readonly #namespace: readonly string[];
  readonly #target: readonly string[];

  /** `namespace`: of the proxy; undefined: the target is one process. */
  constructor(typed: TypedTarget, namespace: string | undefined) {
    if (typed.in === "process") {
      this.#cluster = [];
      this.#namespace = [];
      // The token itself is never printed.
      const token = typed.tokenFile === undefined ? ["--token", TOKEN] : ["--token-file", typed.tokenFile];
      const { name, namespace: typedIn } = typed.proxy ?? {};
      const own = typedIn === undefined ? [] : ["--namespace", typedIn];
      this.#target = ["--url", typed.url.origin, ...token, ...own, ...(name === undefined ? [] : [name])];
      return;
    }
    const { context, kubeconfig, proxy } = typed;
    const where = [
      ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
      ...(context === undefined ? [] : ["--context", context]),
    ];
    const own = namespace === undefined ? [] : ["--namespace", namespace];
    this.#cluster = where;
    this.#namespace = own;
    this.#target = [...where, ...own, proxy];
  }

  kubectl(...words: readonly string[]): string {
    return line(["kubectl", ...this.#cluster, ...this.#namespace, ...words]);
  }

  /** In another namespace than that of the proxy, which `words` say. */
  kubectlElsewhere(...words: readonly string[]): string {
    return line(["kubectl", ...this.#cluster, ...words]);
  }

  /** `words`: options behind the target. */
  wsproxy(command: string, ...words: readonly string[]): string {
    return line(["wsproxy", command, ...this.#target, ...words]);
  }
}

/** Stands for a token that was typed. */
const TOKEN = "$TOKEN";

function line(words: readonly string[]): string {
  return words.map((word) => (word === TOKEN ? `"${word}"` : shellWord(word))).join(" ");
}

/** A word as a shell reads it back; what a terminal would obey is replaced. */
function shellWord(word: string): string {
  const safe = oneLine(word);
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", String.raw`'\''`)}'`;
}
