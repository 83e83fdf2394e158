import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import {
  allowInsecureRequests,
  ClientSecretBasic,
  customFetch,
  introspectionRequest,
  processIntrospectionResponse,
  ResponseBodyError,
} from "oauth4webapi";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { timeOf, type Claims } from "./claims.ts";
import { FairLine, type LineBounds, type NoTurn } from "./fair-line.ts";
import { FetchFault, type Answer, type Fetch } from "./guarded-fetch.ts";
import { Turns } from "../../runtime/loop/turns.ts";
import type { Asker } from "./verifier.ts";

/** What the issuer says of a token. */
export type IntrospectionResult =
  /** `at`: when it was asked, on the monotonic clock. */
  | { readonly kind: "Active"; readonly claims: Claims; readonly at: number }
  | { readonly kind: "Inactive" }
  /** There is no usable answer. `noTurn`: why the issuer was not asked at all. */
  | { readonly kind: "Unavailable"; readonly cause: string; readonly noTurn?: NoTurn };

/** The issuer's endpoint, and the credentials to ask it with. */
export interface Endpoint {
  readonly url: string;
  readonly allowHttp: boolean;
  readonly credentials: { readonly username: string; readonly password: string };
}

/** Tokens whose last answer is remembered. */
const MAX_REMEMBERED = 10_000;
/** Bytes of answers that are remembered. */
const MAX_REMEMBERED_BYTES = 33_554_432;
/** Each answer counts as this many bytes at least, so that MAX_REMEMBERED holds. */
const LEAST_BYTES = Math.floor(MAX_REMEMBERED_BYTES / MAX_REMEMBERED);
/** A token that was inactive just now is not asked about again, in ms. */
const INACTIVE_FOR = 1000;
/**
 * Handshakes' questions at one endpoint, by the client's address: a crowd of made-up tokens from one address, or from
 * some, leaves room for the others. Beyond the bounds the answer is Unavailable, and the client may come again.
 */
const HANDSHAKES: LineBounds = {
  atOnce: 256,
  share: 16,
  unshared: 128,
  waiting: 1024,
  waitingEach: 256,
  patience: 5000,
};
/** Between two log lines about the endpoint's state, in ms: a client could make it fail and work in turn by its tokens. */
const REPORT_INTERVAL = 10_000;
/** Live sessions' questions under way: their own number, so that no flood of handshakes hides a revocation. */
const MAX_RECHECKS = 64;

const NO_TURN: Readonly<Record<NoTurn, string>> = {
  TooManyWaiting: "too many questions wait already",
  WaitedTooLong: "its turn to be asked about did not come in time",
  Left: "the client left",
};

type Active = Extract<IntrospectionResult, { kind: "Active" }>;

/** Asks an RFC 7662 endpoint: one question at a time about a token, an active answer reused as long as the caller permits. */
export class Introspector {
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  readonly #log: Log;
  // Without `max`: with it the library allocates for all entries at once, for each endpoint of each route.
  readonly #active = new LRUCache<string, Active>({ maxSize: MAX_REMEMBERED * LEAST_BYTES });
  readonly #inactive = new LRUCache<string, number>({ maxSize: MAX_REMEMBERED, sizeCalculation: () => 1 });
  readonly #underWay = new Map<string, Promise<IntrospectionResult>>();
  readonly #rechecks = new Map<string, Promise<IntrospectionResult>>();
  readonly #turns = new Turns(MAX_RECHECKS);
  readonly #line: FairLine;
  /** By token: called when it is found inactive, whatever the reason for asking. */
  readonly #holders = new Map<string, Set<() => void>>();
  #failing = false;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(fetch: Fetch, clock: Clock, log: Log) {
    this.#fetch = fetch;
    this.#clock = clock;
    this.#log = log;
    this.#line = new FairLine(HANDSHAKES, clock);
  }

  /** An active answer younger than `maxAge` ms is reused while its `exp` lies ahead. Never rejects. */
  async ask(
    token: string,
    endpoint: Endpoint,
    maxAge: number,
    { subject, signal }: Asker,
  ): Promise<IntrospectionResult> {
    const key = keyOf(token, endpoint);
    const known = this.#recall(key, maxAge) ?? this.#underWay.get(key);
    if (known !== undefined) return known;
    const entered = this.#line.enter(subject, signal);
    const turn = entered instanceof Promise ? await entered : entered;
    if (typeof turn === "string") return { kind: "Unavailable", cause: NO_TURN[turn], noTurn: turn };
    // Another question about the token may have begun while this one waited: then its turn is given back at once.
    const meanwhile = this.#recall(key, maxAge) ?? this.#underWay.get(key);
    const answer = meanwhile ?? this.#begin(key, token, endpoint);
    if (meanwhile !== undefined) turn();
    else void answer.finally(turn);
    return answer;
  }

  /** As `ask`, for a live session: where too much is under way it waits for its turn. */
  askAgain(token: string, endpoint: Endpoint, maxAge: number): Promise<IntrospectionResult> {
    const key = keyOf(token, endpoint);
    const known = this.#recall(key, maxAge) ?? this.#rechecks.get(key);
    if (known !== undefined) return known;
    const recheck = this.#turns
      .take(() => this.#underWay.get(key) ?? this.#begin(key, token, endpoint))
      .finally(() => this.#rechecks.delete(key));
    this.#rechecks.set(key, recheck);
    return recheck;
  }

  /** Calls `inactive` each time the token is found inactive; the returned function stops that. */
  hold(token: string, endpoint: Endpoint, inactive: () => void): () => void {
    const key = keyOf(token, endpoint);
    const holders = this.#holders.get(key) ?? new Set();
    const holder = (): void => inactive();
    this.#holders.set(key, holders.add(holder));
    return () => {
      holders.delete(holder);
      if (holders.size === 0 && this.#holders.get(key) === holders) this.#holders.delete(key);
    };
  }

  #recall(key: string, maxAge: number): Promise<IntrospectionResult> | undefined {
    const now = this.#clock.now();
    if (now - (this.#inactive.get(key) ?? Number.NEGATIVE_INFINITY) < INACTIVE_FOR)
      return Promise.resolve({ kind: "Inactive" });
    const known = this.#active.get(key);
    if (known === undefined || now - known.at >= maxAge) return undefined;
    if (timeOf(known.claims, "exp", Number.POSITIVE_INFINITY) <= this.#clock.wall()) return undefined;
    return Promise.resolve(known);
  }

  #begin(key: string, token: string, endpoint: Endpoint): Promise<IntrospectionResult> {
    const question = this.#question(key, token, endpoint).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, question);
    return question;
  }

  async #question(key: string, token: string, endpoint: Endpoint): Promise<IntrospectionResult> {
    const at = this.#clock.now();
    let bytes = 0;
    const fetch: Fetch = async (ask) => {
      const answer = await this.#fetch(ask);
      bytes += answer.body.length;
      return answer;
    };
    const result = await introspect(token, endpoint, fetch, at);
    if (result.kind === "Active") {
      this.#inactive.delete(key);
      this.#active.set(key, result, { size: Math.max(bytes, LEAST_BYTES) });
    }
    if (result.kind === "Inactive") {
      this.#active.delete(key);
      this.#inactive.set(key, this.#clock.now());
      for (const inactive of [...(this.#holders.get(key) ?? [])]) inactive();
    }
    this.#report(result, endpoint.url);
    return result;
  }

  #report(result: IntrospectionResult, url: string): void {
    const failing = result.kind === "Unavailable";
    const now = this.#clock.now();
    if (failing === this.#failing || now - this.#reportedAt < REPORT_INTERVAL) return;
    this.#failing = failing;
    this.#reportedAt = now;
    const fields = { host: new URL(url).host };
    if (failing) this.#log.warn({ ...fields, fault: result.cause }, "introspection failed");
    else this.#log.info(fields, "introspection works again");
  }
}

function keyOf(token: string, { url }: Endpoint): string {
  return createHash("sha256").update(`${url}\n${token}`).digest("base64url");
}

async function introspect(
  token: string,
  { url, allowHttp, credentials }: Endpoint,
  fetch: Fetch,
  at: number,
): Promise<IntrospectionResult> {
  const server = { issuer: url, introspection_endpoint: url };
  const client = { client_id: credentials.username };
  try {
    const response = await introspectionRequest(server, client, ClientSecretBasic(credentials.password), token, {
      [allowInsecureRequests]: allowHttp,
      additionalParameters: { token_type_hint: "access_token" },
      [customFetch]: async (target, { headers, body }) =>
        responseOf(await fetch({ url: target, allowHttp, headers, body: String(body) })),
    });
    const { active, ...members } = await processIntrospectionResponse(server, client, response);
    // Many servers write null for what a token does not have.
    const claims = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
    const times = [timeOf(claims, "exp", 0), timeOf(claims, "nbf", 0)];
    if (times.some(Number.isNaN)) return { kind: "Unavailable", cause: "the answer has no usable times" };
    return active ? { kind: "Active", claims, at } : { kind: "Inactive" };
  } catch (error) {
    // RFC 7009 §2.2.1: the server does not fail; it says that it has no tokens of this type.
    if (error instanceof ResponseBodyError && error.error === "unsupported_token_type") return { kind: "Inactive" };
    // Errors of the protocol may quote the answer.
    return { kind: "Unavailable", cause: error instanceof FetchFault ? error.message : "the answer is not usable" };
  }
}

function responseOf({ status, contentType, body }: Answer): Response {
  const bodiless = [101, 103, 204, 205, 304].includes(status);
  return new Response(bodiless ? null : new Uint8Array(body), {
    status,
    headers: contentType === undefined ? {} : { "content-type": contentType },
  });
}
