import { z } from "zod";
import { CALLED } from "../rule.ts";
import type { PolicyDefinition } from "./policy.ts";

const allow = z
  .array(
    z
      .string()
      .max(300)
      .regex(
        /^(null|https?:\/\/((\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?|\[[0-9a-f:]+\])(:[0-9]{1,5})?)$/,
        "is not an origin; write scheme, host and port in lower case without a path, such as https://*.example.com",
      )
      .meta({ [CALLED]: "origin" }),
  )
  .max(256)
  .default([])
  .describe(
    "Origins that may connect, such as https://app.example.com. Scheme, host and port are compared exactly. `*` stands for one or more whole labels, `null` for pages without an origin.",
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
          "Allows handshakes without an Origin header, which do not come from a browser. Default true; false on a route that accepts a cookie credential.",
        ),
    })
    .describe(
      "Which browser origins may connect (RFC 6455 section 10.2). Absent: any origin; on a route that accepts a cookie credential only the same origin.",
    ),
  rendered: z.strictObject({ allow, sameOrigin, allowMissing: z.boolean() }),
  absent: undefined,
} satisfies PolicyDefinition;
