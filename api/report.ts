import { z } from "zod";

/**
 * What a data plane says at `/config`: which config it serves, and why it does not serve a newer one. A pod that the
 * operator asks may be in hostile hands: every part is bounded, and what is unknown is passed over.
 */

/** Bounds of a report. */
export const REPORT = {
  /** Bytes of an answer about one proxy. */
  largest: 4096,
  problems: 8,
  /** Characters of one problem. */
  longestProblem: 300,
  /** Proxies that one answer tells of. */
  proxies: 64,
} as const;

const hash = z.string().min(1).max(64);

const rejection = z.object({
  hash: hash.describe("SHA-256 of the config that was refused."),
  stage: z
    .enum(["config", "listener"])
    .catch("config") // a newer data plane may know more
    .describe("What is wrong with it: the config itself, or its listener cannot be opened."),
  problems: z
    .array(z.string().max(REPORT.longestProblem))
    .max(REPORT.problems)
    .describe("Why, the first of them. No value of a Secret."),
});

const proxyReport = z.object({
  proxy: z.string().max(320).describe("`<namespace>/<name>`"),
  hash: hash.optional().describe("SHA-256 of the config in force; absent: none is."),
  endpointsHash: hash.optional().describe("SHA-256 of the endpoints in force."),
  generation: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe("metadata.generation of the WebSocketProxy that the config in force was made of."),
  removed: z
    .boolean()
    .optional()
    .describe(
      "true: the config in force was removed, and none came; every handshake is refused, since there is no route.",
    ),
  rejected: rejection.optional().describe("The config that came last, where it was refused."),
});

export const configReport = z.object({
  proxies: z.array(proxyReport).max(REPORT.proxies).describe("One in a pod, each that `standalone` serves."),
  more: z.int().min(0).max(Number.MAX_SAFE_INTEGER).describe("How many proxies are left out."),
});

export type ProxyReport = z.output<typeof proxyReport>;
export type ConfigReport = z.output<typeof configReport>;
