import { z } from "zod";
import { foldHeaderName, headerName, headerValue } from "../names.ts";
import { rule } from "../rule.ts";
import type { PolicyDefinition } from "./policy.ts";

/** Fields of the handshake and the connection itself: the gateway writes them, no policy does. */
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

/** A header that is not the gateway's own. Look-alikes (`isReserved`) are too dear for a rule of the API server. */
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
            "Client headers that reach the backend; absent: all but those in which proxies tell of the client, such as X-Forwarded-User, CF-Connecting-IP or X-Client-Cert (docs/reference/forwarded-headers.md). List one of those only if a proxy in front of the gateway always writes it: a client can send it too.",
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
          .describe("Headers that the gateway sets, in place of any that the client sent under a name alike."),
      })
      .prefault({})
      .describe("Which headers of the handshake reach the backend."),
    query: z
      .strictObject({
        allow: z
          .array(z.string().min(1).max(256))
          .max(256)
          .optional()
          .describe("Query parameters that reach the backend; absent: all but credentials."),
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
            header: freeHeader.describe("Header that carries it: a list with commas, an object as JSON."),
          })
          .describe("A claim and its header."),
      )
      .max(64)
      .default([])
      .describe("Claims of the verified token that the backend gets as headers."),
    keepCredentials: z.boolean().default(false).describe("The backend gets the credential too."),
  })
  .describe("What of the client's handshake the backend sees.");

/** What of the client's handshake the backend sees. */
export const forwarding = { spec, rendered: spec, absent: {} } satisfies PolicyDefinition;

/** Is it, or would many a backend take it for, a header that the gateway itself writes? */
export function isReserved(name: string): boolean {
  return (RESERVED_HEADERS as readonly string[]).includes(foldHeaderName(name));
}

type Path = readonly (string | number)[];

/** Headers that the policy writes, with their paths below it. */
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
 * Headers that would have two writers: of two lines with one name a backend could take the one that nobody has verified.
 * Too dear for a rule of the API server; translation tells of it.
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
