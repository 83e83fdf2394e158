import { z } from "zod";
import { foldHeaderName, headerName, headerValue } from "../names.ts";
import { rule } from "../rule.ts";
import type { PolicyDefinition } from "./policy.ts";

/** Headers of the handshake and the connection: the gateway writes them, and no policy may. */
export const RESERVED_HEADERS = [
  "host",
  "connection",
  "upgrade",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "content-length",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-accept",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-request-id",
] as const;

/**
 * A header that the gateway does not write itself. A rule on look-alikes (`isReserved`) would exceed the cost limit of
 * CEL.
 */
export const freeHeader = rule(
  headerName,
  {
    cel: `!(self.lowerAscii() in [${RESERVED_HEADERS.map((name) => `'${name}'`).join(", ")}])`,
    message: "must not be a header that the gateway itself writes; choose another",
  },
  (name) => !(RESERVED_HEADERS as readonly string[]).includes(name.toLowerCase()),
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
            "Client headers that reach the backend. Absent: all except those in which proxies describe the client, such as X-Forwarded-User, CF-Connecting-IP or X-Client-Cert (docs/reference/forwarded-headers.md). List one of those only if a proxy in front of the gateway always writes it: a client can send it too.",
          ),
        remove: z.array(headerName).max(256).default([]).describe("Client headers that do not reach the backend."),
        set: z
          .array(
            z
              .strictObject({
                name: freeHeader.describe("Name of the header."),
                value: headerValue.describe("Its value."),
              })
              .describe("A header and its value."),
          )
          .max(64)
          .default([])
          .describe("Headers that the gateway sets. It removes headers of the client with the same or a similar name."),
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

/** True for a header that the gateway writes itself, and for a look-alike that a backend may take for it. */
export function isReserved(name: string): boolean {
  return (RESERVED_HEADERS as readonly string[]).includes(foldHeaderName(name));
}

type Path = readonly (string | number)[];

/** Headers that the policy writes, with the path of the field that names each. */
export function writtenHeaders({
  headers,
  clientHeader,
  claimHeaders,
}: z.output<typeof spec>): readonly { readonly name: string; readonly path: Path }[] {
  return [
    { name: clientHeader, path: ["clientHeader"] },
    ...claimHeaders.map(({ header }, index) => ({ name: header, path: ["claimHeaders", index, "header"] })),
    ...headers.set.map(({ name }, index) => ({ name, path: ["headers", "set", index, "name"] })),
  ];
}

/**
 * Paths of headers that the policy would write twice: of two lines with one name a backend could use the unverified
 * one. A CEL rule would exceed the cost limit of the API server, so translation reports the mistake.
 */
export function doubledHeaders(settings: z.output<typeof spec>): readonly Path[] {
  const taken = new Set<string>();
  return writtenHeaders(settings).flatMap(({ name, path }) => {
    const folded = foldHeaderName(name);
    if (taken.has(folded)) return [path];
    taken.add(folded);
    return [];
  });
}
