import { z } from "zod";
import { foldHeaderName, headerName, headerValue } from "../names.ts";
import type { Policy } from "./policy.ts";

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

/** A header that is not the gateway's own. */
export const freeHeader = headerName.refine(
  (name) => !(RESERVED_HEADERS as readonly string[]).includes(foldHeaderName(name)),
  "is written by the gateway itself; choose another header",
);

const fields = z.strictObject({
  headers: z
    .strictObject({
      allow: z.array(headerName).max(256).optional().describe("Client headers that reach the backend; absent: all."),
      remove: z.array(headerName).max(256).default([]).describe("Client headers that do not reach the backend."),
      set: z
        .array(z.strictObject({ name: freeHeader, value: headerValue }))
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
    .array(z.strictObject({ claim: z.string().min(1).max(256), header: freeHeader }))
    .max(64)
    .default([])
    .describe("Claims of the verified token that the backend gets as headers."),
  keepCredentials: z.boolean().default(false).describe("The backend gets the credential too."),
});

/** Of two lines with one name a backend could take the one that nobody has verified. */
const spec = fields.superRefine(({ headers, clientHeader, claimHeaders }, context) => {
  const taken = new Set([foldHeaderName(clientHeader)]);
  const take = (name: string, path: (string | number)[]): void => {
    const folded = foldHeaderName(name);
    const message = "is set twice (names that differ in case, _ . and - only are alike); choose another";
    if (taken.has(folded)) context.addIssue({ code: "custom", path, message });
    taken.add(folded);
  };
  for (const [index, { header }] of claimHeaders.entries()) take(header, ["claimHeaders", index, "header"]);
  for (const [index, { name }] of headers.set.entries()) take(name, ["headers", "set", index, "name"]);
});

/** What of the client's handshake the backend sees. */
export const forwarding = { spec, rendered: spec, absent: {} } satisfies Policy;
