import { z } from "zod";
import { CALLED } from "../rule.ts";
import { place } from "./credential-place.ts";
import type { PolicyDefinition } from "./policy.ts";

const SCHEME = "[a-z0-9+.-]*";
const HOST = "((\\*\\.)?[-A-Za-z0-9._~%]+|\\[[0-9A-Fa-f:]+\\])";
/** `file://` and `qrc://` have no host; http and https need one. RE2, which the API server has, knows no look-ahead: so each scheme in h needs one. */
const ORIGIN = new RegExp(`^(null|[a-gi-z]${SCHEME}://|[a-z]${SCHEME}://${HOST}(:[0-9]{1,5})?)$`);

const allow = z
  .array(
    z
      .string()
      .max(300)
      .regex(
        ORIGIN,
        "is not an origin; write scheme://host[:port], the scheme in lower case and no slash at the end, such as https://*.example.com or capacitor://localhost",
      )
      .meta({ [CALLED]: "origin" }),
  )
  .max(256)
  .default([])
  .describe(
    "Origins that may connect, such as https://app.example.com, or capacitor://localhost for an app. Scheme, host and port are compared exactly, letters without case. The scheme is that of the page (https), not of the connection (wss). A leading `*.` stands for one or more whole labels. `null` stands for every page without an origin; a page of any site can open one (a sandboxed frame).",
  );

const sameOrigin = z
  .boolean()
  .default(false)
  .describe("true: also allows pages from the host that the handshake names in Host.");

/** Which browser origins may connect (RFC 6455 §10.2). Native clients send none: see `allowMissing`. */
export const origins = {
  spec: z
    .strictObject({
      allow,
      sameOrigin,
      allowMissing: z
        .boolean()
        .optional()
        .describe(
          "Allows handshakes without an Origin header, which do not come from a browser. Absent: true, but false for a handshake whose credential is in a cookie.",
        ),
    })
    .describe(
      "Which browser origins may connect (RFC 6455 section 10.2). Absent: any origin; only the same origin for a handshake whose credential is in a cookie.",
    ),
  rendered: z.strictObject({
    allow,
    sameOrigin,
    /** Absent: true, but false for a handshake that presents one of `cookies`. */
    allowMissing: z.boolean().optional(),
    /** Places of the route's credentials that a browser fills by itself, whichever page opens the connection. */
    cookies: z.array(place).max(1024).optional(),
    /** true: the policy holds only for a handshake that presents one of `cookies`. */
    cookiesOnly: z.boolean().optional(),
  }),
  absent: undefined,
} satisfies PolicyDefinition;
