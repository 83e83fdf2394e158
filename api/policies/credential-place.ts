import { z } from "zod";
import { token } from "../names.ts";
import { rule } from "../rule.ts";
import { freeHeader } from "./forwarding.ts";

const place = rule(
  z.strictObject({
    header: freeHeader.optional().describe("A header. In `authorization` the form is `Bearer <token>`."),
    query: token.optional().describe("A query parameter."),
    cookie: token
      .optional()
      .describe("A cookie. Without `origins` the route then accepts browsers from the same origin only."),
    subprotocol: token
      .optional()
      .describe("A subprotocol `<this>.<base64url of the credential>`, offered beside the client's own."),
  }),
  {
    cel: "[has(self.header), has(self.query), has(self.cookie), has(self.subprotocol)].filter(x, x).size() == 1",
    message: "must name exactly one of header, query, cookie and subprotocol",
  },
  (it) => Object.values(it).filter((name) => name !== undefined).length === 1,
).describe("One place of the handshake: exactly one of the fields.");

/** The places of one method, with those that it has by default. */
export const from = (...places: z.input<typeof place>[]) =>
  z
    .array(place)
    .min(1)
    .max(8)
    .default(places)
    .describe("Places of the handshake that may hold the credential. A handshake with two credentials is refused.");

/** Where a credential may stand; exactly one field is set. */
export type CredentialPlace = z.output<typeof place>;
