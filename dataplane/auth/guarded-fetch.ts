import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect as connectTcp, isIP, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../runtime/clock.ts";
import { readBody } from "../../runtime/bounded-body.ts";
import { Spread } from "../../runtime/loop/spread.ts";
import { AnswerStream, ExcessiveAnswer } from "../http/answer-stream.ts";
import { guardedLookup, mayDial, sharedResolve, systemResolve, type Resolve } from "../dial-guard.ts";

/** A question to an identity provider. */
export interface Ask {
  readonly url: string;
  /** Plain http and loopback addresses are permitted. */
  readonly allowHttp: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Present: a POST. */
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

/** Rejects with a FetchFault; its message holds nothing of the question. */
export type Fetch = (ask: Ask) => Promise<Answer>;

/** Where the sockets of questions are counted. */
export interface Room {
  /** Counts one until the returned function is called; undefined: there is no room for it. */
  ask(): (() => void) | undefined;
}

const ENDLESS: Room = { ask: () => () => {} };

/** There is no usable answer. */
export class FetchFault extends Error {
  override readonly name = "FetchFault";
}

/** From the call to the last byte of the answer. */
export const FETCH_TIMEOUT = 5000;
/** Bytes of an answer's body. */
export const MAX_ANSWER = 262_144;
/** Bytes of a body on the wire: the sizes and extensions of its chunks are bounded too. */
const MAX_ANSWER_ON_WIRE = 2 * MAX_ANSWER;
/** Pieces of an answer's body, of which each costs a call. */
const MAX_PIECES = 4096;

/**
 * Asks one question over a connection of its own. Holds whatever the other end does: no redirect is followed, no
 * encoding undone, no address dialled that the guard forbids, nothing read beyond 256 KiB or 5 seconds.
 */
export function guardedFetch(clock: Clock, resolve: Resolve = systemResolve, room: Room = ENDLESS): Fetch {
  const shared = sharedResolve(resolve);
  const answers = new Spread(clock);
  return (ask) =>
    new Promise((done, failed) => {
      const fail = (message: string): void => failed(new FetchFault(message));
      const url = URL.canParse(ask.url) ? new URL(ask.url) : undefined;
      if (url === undefined) return fail("the URL is none");
      if (url.protocol !== "https:" && !(ask.allowHttp && url.protocol === "http:"))
        return fail("the scheme is not permitted");
      // A literal address is dialled without a lookup; URL has already folded its odd spellings.
      const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
      if (isIP(host) !== 0 && !mayDial(host, ask.allowHttp)) return fail("the address is never dialled");

      const secure = url.protocol === "https:";
      const defaultPort = secure ? 443 : 80;
      const address = {
        host,
        port: url.port === "" ? defaultPort : Number(url.port),
        lookup: guardedLookup(ask.allowHttp, shared),
      };
      let stream: AnswerStream | undefined;
      const options: RequestOptions = {
        method: ask.body === undefined ? "GET" : "POST",
        headers: { ...ask.headers, "accept-encoding": "identity" },
        // Not earlier, so that a request that cannot be made dials nothing.
        createConnection: () => {
          const leave = room.ask();
          if (leave === undefined) throw new FetchFault("no file descriptor is left");
          const socket = secure ? connectSecurely(address) : connectTcp(address);
          socket.once("close", leave);
          stream = new AnswerStream(socket, MAX_ANSWER_ON_WIRE, answers);
          return stream;
        },
        defaultPort,
        maxHeaderSize: 16_384,
      };
      const request = secure ? httpsRequest(url, options) : httpRequest(url, options);
      const timer = clock.after(FETCH_TIMEOUT, () => end("no answer in time"));
      const end = (message: string): void => {
        timer.cancel();
        fail(message);
        request.destroy();
      };
      request.on("error", (error) => end(faultOf(error)));
      request.on("close", () => end("the connection was lost"));
      request.on("response", (response) => {
        stream?.answered();
        read(response, end, (answer) => {
          timer.cancel();
          stream?.destroy();
          done(answer);
        });
      });
      request.end(ask.body);
    });
}

/** Certificates are checked even if the environment says otherwise; SNI must not be an address (RFC 6066 §3). */
function connectSecurely(address: TcpNetConnectOpts & { readonly host: string }): Socket {
  const servername = isIP(address.host) === 0 ? address.host : "";
  return connectTls({ ...address, servername, ALPNProtocols: ["http/1.1"], rejectUnauthorized: true });
}

function read(response: IncomingMessage, end: (message: string) => void, done: (answer: Answer) => void): void {
  const encoding = response.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") return end("the answer is encoded");
  readBody(response, { bytes: MAX_ANSWER, pieces: MAX_PIECES }, (body) => {
    if (body.end === "TooLong") return end("the answer is too long");
    if (body.end === "Broken") return end("the connection was lost");
    const { statusCode: status = 0, headers } = response;
    done({ status, contentType: headers["content-type"], body: body.bytes });
  });
}

/** A system's word such as ECONNREFUSED or CERT_HAS_EXPIRED; messages may quote the peer. */
function faultOf(error: Error): string {
  if (error instanceof ExcessiveAnswer) return "the answer is too long";
  if (error instanceof FetchFault) return error.message;
  return "code" in error && typeof error.code === "string" ? error.code : "the connection could not be made";
}
