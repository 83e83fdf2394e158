import { foldHeaderName } from "../../../api/names.ts";
import { quoted } from "../../../api/problem.ts";
import { identityHeaders, setHeaders } from "../../../api/policies/forwarding.ts";
import { HANDSHAKE_HEADERS, isAmong, NEVER_FORWARDED, REQUEST_HEADERS } from "../../../api/policies/header-names.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";

type Forwarding = NonNullable<PoliciesSpec["forwarding"]>;

/** A name in a list of headers that has no effect. */
interface IdleHeader {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Names in `headers.allow` and `headers.remove` that have no effect. A list may name them all the same: a user may list
 * each header that a backend sees.
 */
export function idleHeaders(settings: Forwarding): readonly IdleHeader[] {
  const { allow = [], remove } = settings.headers;
  const removed = new Set(remove.map(foldHeaderName));
  const identity = new Set(identityHeaders(settings).map(({ name }) => foldHeaderName(name)));
  const set = new Set(setHeaders(settings).map(({ name }) => foldHeaderName(name)));
  const told = "is written by clientHeader or claimHeaders, in place of the client's";
  return [
    ...idle("allow", allow, (folded) => {
      if (isAmong(REQUEST_HEADERS, folded))
        return "is a header that the gateway writes itself, in place of the client's";
      if (isAmong(NEVER_FORWARDED, folded))
        return "is a header that the gateway writes itself, or drops, whatever is allowed";
      if (identity.has(folded)) return told;
      if (set.has(folded)) return "is written by set, in place of the client's";
      return removed.has(folded) ? "is in remove, too" : undefined;
    }),
    ...idle("remove", remove, (folded) => {
      if (folded === "host") return "is part of every handshake (rewrite.hostname sets another)";
      if (folded === "sec-websocket-extensions")
        return "is a header that only the gateway writes (compression: Disabled removes it)";
      if (isAmong(HANDSHAKE_HEADERS, folded))
        return "is a header of the handshake or the connection, which only the gateway writes";
      return identity.has(folded) ? told : undefined;
    }),
  ];
}

function idle(list: "allow" | "remove", names: readonly string[], mistakeIn: (folded: string) => string | undefined) {
  return names.flatMap((name, index): IdleHeader[] => {
    const mistake = name.includes("*")
      ? "is no pattern, a * stands for itself: list each name"
      : mistakeIn(foldHeaderName(name));
    if (mistake === undefined) return [];
    return [
      { path: ["headers", list, index], message: `has no effect: ${quoted(name)} ${mistake}; take it out of ${list}` },
    ];
  });
}
