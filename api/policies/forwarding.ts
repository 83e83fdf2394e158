import { z } from "zod";
import { foldHeaderName, headerName, headerValue } from "../names.ts";
import { rule } from "../rule.ts";
import { HANDSHAKE_HEADERS, RESERVED_HEADERS } from "./header-names.ts";
import type { PolicyDefinition } from "./policy.ts";

/** A header name that is not on a list. A rule on look-alikes (`isAmong`) would exceed the cost limit of CEL. */
const headerExcept = (list: readonly string[], message: string) =>
  rule(
    headerName,
    { cel: `!(self.lowerAscii() in [${list.map((name) => `'${name}'`).join(", ")}])`, message },
    (name) => !list.includes(name.toLowerCase()),
  );

/** A header that the gateway does not write itself. */
export const freeHeader = headerExcept(
  RESERVED_HEADERS,
  "must not be a header that the gateway itself writes; choose another",
);

const settableHeader = headerExcept(
  HANDSHAKE_HEADERS,
  "must not be a header of the handshake or the connection, which the gateway itself writes; leave it out (for Host there is rewrite.hostname)",
);

const spec = z
  .strictObject({
    headers: z
      .strictObject({
        allow: z
          .array(headerName)
          .max(256)
          .optional()
          .describe(
            "Client headers that reach the backend. Absent: all except those in which proxies describe the client, such as X-Forwarded-User, CF-Connecting-IP or X-Client-Cert (docs/reference/forwarded-headers.md). List one of those only if a proxy in front of the gateway always writes it: a client can send it too. Full names, no patterns. A header that the gateway itself writes has no effect here.",
          ),
        remove: z
          .array(headerName)
          .max(256)
          .default([])
          .describe(
            "Client headers that do not reach the backend. X-Forwarded-For, -Proto, -Host, -Port and X-Request-Id: the gateway does not write them either.",
          ),
        set: z
          .array(
            z
              .strictObject({
                name: settableHeader.describe("Name of the header."),
                value: headerValue.describe("Its value."),
              })
              .describe("A header and its value."),
          )
          .max(64)
          .default([])
          .describe(
            "Headers that the gateway sets. It removes headers of the client with the same or a similar name. X-Forwarded-For, -Proto, -Host, -Port and X-Request-Id: the value replaces the gateway's own.",
          ),
      })
      .prefault({})
      .describe("Which headers of the handshake reach the backend."),
    query: z
      .strictObject({
        allow: z
          .array(z.string().min(1).max(256))
          .max(256)
          .optional()
          .describe("Query parameters that reach the backend. Absent: all except credentials."),
      })
      .prefault({})
      .describe("Which query parameters reach the backend."),
    clientHeader: freeHeader
      .default("x-wsproxy-client")
      .describe("Header that tells the backend the verified client id."),
    claimHeaders: z
      .array(
        z
          .strictObject({
            claim: z.string().min(1).max(256).describe("Name of the claim."),
            header: freeHeader.describe(
              "Header that carries the claim. A list is written with commas, an object as JSON.",
            ),
          })
          .describe("A claim and its header."),
      )
      .max(64)
      .default([])
      .describe("Claims of the verified token that the backend gets as headers."),
    keepCredentials: z.boolean().default(false).describe("true: the backend gets the credential too."),
  })
  .describe("Which parts of the client's handshake reach the backend.");

/** What of the client's handshake the backend sees. */
export const forwarding = { spec, rendered: spec, absent: {} } satisfies PolicyDefinition;

type Path = readonly (string | number)[];
type NamedHeader = { readonly name: string; readonly path: Path };

/** Headers that tell the backend about the client's identity, with the path of the field that names each. */
export function identityHeaders({ clientHeader, claimHeaders }: z.output<typeof spec>): readonly NamedHeader[] {
  return [
    { name: clientHeader, path: ["clientHeader"] },
    ...claimHeaders.map(({ header }, index) => ({ name: header, path: ["claimHeaders", index, "header"] })),
  ];
}

/** Headers that `headers.set` writes, with the path of the field that names each. */
export function setHeaders({ headers }: z.output<typeof spec>): readonly NamedHeader[] {
  return headers.set.map(({ name }, index) => ({ name, path: ["headers", "set", index, "name"] }));
}

/**
 * Paths of headers that the policy would write twice: of two lines with one name a backend could use the unverified
 * one. A CEL rule would exceed the cost limit of the API server, so translation reports the mistake.
 */
export function doubledHeaders(settings: z.output<typeof spec>): readonly Path[] {
  const taken = new Set<string>();
  return [...identityHeaders(settings), ...setHeaders(settings)].flatMap(({ name, path }) => {
    const folded = foldHeaderName(name);
    if (taken.has(folded)) return [path];
    taken.add(folded);
    return [];
  });
}
