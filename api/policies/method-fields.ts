import { z } from "zod";
import { CALLED } from "../rule.ts";

/** Fields that the methods of authentication share. */

/** A client id. */
export const client = z.string().min(1).max(256);

export const text = (longest: number) => z.string().min(1).max(longest);

/** RFC 6749 §3.3. */
const scope = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must be visible characters without space, quote and backslash")
  .meta({ [CALLED]: "scope" });

export const scopes = z.array(scope).max(64).default([]);

export const clientClaim = (name: string) =>
  client.default(name).describe("Claim that becomes the client id: a text, or a whole number, taken as its digits.");

export const allowHttp = z
  .boolean()
  .default(false)
  .describe(
    "Permits plain http and loopback addresses. For development only: over plain http an attacker on the network can forge the answer.",
  );

export const HTTPS = "must begin with https://, or set allowHttp: true";

export const httpsUnlessAllowed = (value: string, allowed: boolean): boolean => allowed || value.startsWith("https://");
