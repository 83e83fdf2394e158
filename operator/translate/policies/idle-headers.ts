import { foldHeaderName } from "../../../api/names.ts";
import { identityHeaders } from "../../../api/policies/forwarding.ts";
import { HANDSHAKE_HEADERS, isAmong, NEVER_FORWARDED, REQUEST_HEADERS } from "../../../api/policies/header-names.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";

/** A name in a list of headers that would have no effect. */
interface IdleHeader {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Names in `headers.allow` and `headers.remove` that would have no effect. Rules on all of the lists would exceed the cost
 * limit of CEL, so translation reports the mistake.
 */
export function idleHeaders(settings: NonNullable<PoliciesSpec["forwarding"]>): readonly IdleHeader[] {
  const { allow = [], remove } = settings.headers;
  const removed = new Set(remove.map(foldHeaderName));
  const identity = new Set(identityHeaders(settings).map(({ name }) => foldHeaderName(name)));
  const idle = (list: "allow" | "remove", names: readonly string[], mistakeIn: (name: string) => string | undefined) =>
    names.flatMap((name, index) => {
      const message = mistakeIn(name);
      return message === undefined ? [] : [{ path: ["headers", list, index], message }];
    });
  return [
    ...idle("allow", allow, (name) => {
      if (isAmong(REQUEST_HEADERS, name))
        return "the gateway writes this header itself, and drops the client's; leave it out";
      if (isAmong(NEVER_FORWARDED, name))
        return "a client's own header of this name never reaches a backend; leave it out";
      return removed.has(foldHeaderName(name)) ? "stands in remove, too; take it out of one of the lists" : undefined;
    }),
    ...idle("remove", remove, (name) => {
      if (isAmong(HANDSHAKE_HEADERS, name))
        return (
          REMEDIES[foldHeaderName(name)] ?? "the backend's handshake needs this header, or never has it; leave it out"
        );
      if (!identity.has(foldHeaderName(name))) return undefined;
      return "clientHeader or claimHeaders writes this header, and drops the client's; leave it out, or choose another name there";
    }),
  ];
}

const NEEDED = "the backend's handshake needs this header";

/** What a user may want instead. */
const REMEDIES: Readonly<Record<string, string>> = {
  host: `${NEEDED}; leave it out (rewrite.hostname sets another)`,
  "sec-websocket-extensions": `${NEEDED}; leave it out (compression: Disabled offers the backend no extension)`,
};
