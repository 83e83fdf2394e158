import { z } from "zod";

/** The lists of the admin port, page by page: sessions at `/sessions`, routes at `/config/routes`. */

/** Entries of a page: without `limit`, and at most. */
export const PAGE = { usual: 100, most: 1000 } as const;

/** Characters that are shown of a text from outside, such as a client id. */
export const LONGEST_SHOWN = 256;

const count = z.int().min(0);
const bothWays = z.object({ fromClient: count, fromBackend: count });
const shown = z.string().max(LONGEST_SHOWN + 1);
const proxy = z.string().max(320).describe("`<namespace>/<name>`");
const next = z
  .string()
  .optional()
  .describe("Start of the next page: pass it as `after`. Absent: this is the last page.");

const session = z.object({
  id: z.string().describe("Id of the session, as in the log."),
  proxy,
  route: z.string(),
  client: shown.optional().describe("Verified client id. Absent: the session has none."),
  address: z.string().describe("IP address of the client."),
  since: z.string().describe("When the session opened (RFC 3339)."),
  messages: bothWays,
  bytes: bothWays.describe("Payload bytes."),
  subprotocol: shown.optional(),
});

export const sessionPage = z.object({ sessions: z.array(session).max(PAGE.most), next });

const route = z.object({
  proxy,
  name: z.string(),
  hostnames: z.array(z.string()).describe("Empty: any host."),
  path: z.object({ type: z.string(), value: z.string() }),
  backends: z.array(z.object({ endpoints: z.string(), weight: count })),
  policies: z.array(z.string()).describe("Names of the policies in effect; their settings may hold secrets."),
});

export const routePage = z.object({ routes: z.array(route).max(PAGE.most), next });

/** Characters of the text that a person gives for the end of a session; cut further to `LONGEST_REASON` bytes of UTF-8. */
export const LONGEST_TEXT = 1024;

/** Bytes of that text in the Close frame: `EndedByOperator; <text>` fills the 123 that a Close frame may have. */
export const LONGEST_REASON = 106;

/** The answer of `POST /sessions/{id}/close` and `POST /sessions/close`. */
export const closeAnswer = z.object({
  closed: count.describe("Sessions that were told to end."),
  note: z.string().max(512).describe("That a client may connect again, and how `deny` keeps it out."),
});

export type CloseAnswer = z.output<typeof closeAnswer>;
export type SessionPage = z.output<typeof sessionPage>;
export type RoutePage = z.output<typeof routePage>;
