import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { Clock } from "../../runtime/clock.ts";

/** Bytes on their way to a client above which nothing more is read from it. */
const MOST_BUFFERED = 1_048_576;
/** RFC 6455 §5.5.1: a control frame's payload, less the code. */
const MAX_REASON = 123;
const SECOND = 1000;

/**
 * Talks with one client. On every path what it sends comes back, text as text and binary as binary; the path decides
 * what is said beside that. A text `close <code> <reason>` is answered with that Close.
 */
export function converse(socket: WebSocket, request: IncomingMessage, name: string, clock: Clock): void {
  const crowded = (): boolean => socket.bufferedAmount > MOST_BUFFERED;
  const taken = (): void => {
    if (socket.isPaused && !crowded()) socket.resume();
  };
  const say = (data: Buffer | string, binary = false): void => {
    socket.send(data, { binary }, taken);
    if (crowded()) socket.pause(); // a client that does not read is not read from, so that nothing piles up here
  };
  socket.on("error", () => {}); // ws itself closes with the code that a broken frame deserves
  socket.on("message", (data: Buffer, binary) => {
    const command = binary ? undefined : closeCommand(data);
    if (command === undefined) say(data, binary);
    else socket.close(command.code, command.reason);
  });
  switch ((request.url ?? "").replace(/\?.*$/s, "")) {
    case "/headers":
      return say(JSON.stringify(fieldsOf(request.rawHeaders)));
    case "/name":
      return say(name);
    case "/clock":
      return everySecond(clock, socket, () => {
        if (!crowded()) say(new Date(clock.wall()).toISOString());
      });
  }
}

function everySecond(clock: Clock, socket: WebSocket, tick: () => void): void {
  const arm = (): ReturnType<Clock["after"]> =>
    clock.after(SECOND, () => {
      timer = arm();
      tick();
    });
  let timer = arm();
  socket.once("close", () => timer.cancel());
}

/** Names and values as they came, in order. */
function fieldsOf(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ""]] : []));
}

/** The Close that a text asks for; undefined where it does not, or where no endpoint may send it (RFC 6455 §7.4.2). */
function closeCommand(data: Buffer): { code: number; reason: string } | undefined {
  if (data.length > "close 1000 ".length + MAX_REASON) return undefined;
  const [, digits, reason = ""] = /^close (\d{4})(?: (.*))?$/s.exec(data.toString()) ?? [];
  const code = Number(digits);
  const sendable =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code < 5000);
  return sendable ? { code, reason } : undefined;
}
