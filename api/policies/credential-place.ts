import { z } from "zod";
import { token } from "../names.ts";
import { rule } from "../rule.ts";
import { freeHeader } from "./forwarding.ts";

const onePlace = rule(
  z.strictObject({
    header: freeHeader.optional().describe("A header. In `authorization` the form is `Bearer <token>`."),
    query: token.optional().describe("A query parameter."),
    cookie: token
      .optional()
      .describe(
        "A cookie. Browsers send it for pages of other sites too: so a handshake whose credential is in it must come from the same origin, or from one that `origins` allows. Handshakes without it are not affected.",
      ),
    subprotocol: token
      .optional()
      .describe("A subprotocol `<this>.<the credential, see encoding>`, offered beside the client's own."),
    encoding: z
      .enum(["Base64Url", "Raw"])
      .optional()
      .describe(
        "How the credential stands in the subprotocol. Base64Url (default): base64url without padding. Raw: as it is, for clients such as OpenAI's; it can hold only letters, digits and `` !#$%&'*+-.^_`|~ ``.",
      ),
  }),
  {
    cel: "[has(self.header), has(self.query), has(self.cookie), has(self.subprotocol)].filter(x, x).size() == 1",
    message: "must name exactly one of header, query, cookie and subprotocol",
  },
  ({ header, query, cookie, subprotocol }) =>
    [header, query, cookie, subprotocol].filter((name) => name !== undefined).length === 1,
);

/** Where a credential may stand: one place of the handshake. */
export const place = rule(
  onePlace,
  {
    cel: "!has(self.encoding) || has(self.subprotocol)",
    message: "goes with subprotocol only: a credential in another place stands there as it is",
    field: "encoding",
    reason: "FieldValueForbidden",
  },
  ({ encoding, subprotocol }) => encoding === undefined || subprotocol !== undefined,
).describe("One place of the handshake: exactly one of header, query, cookie and subprotocol.");

/** The places of one method, with those that it has by default. */
export const from = (...places: z.input<typeof place>[]) =>
  z
    .array(place)
    .min(1)
    .max(8)
    .default(places)
    .describe("Places of the handshake that may hold the credential. A handshake with two credentials is refused.");

/** Where a credential may stand; exactly one of header, query, cookie and subprotocol is set. */
export type CredentialPlace = z.output<typeof place>;
