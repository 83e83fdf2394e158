import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { Clock } from "../../runtime/clock.ts";

/** Unsent bytes for a client above which the backend stops reading from it. */
const MOST_BUFFERED = 1_048_576;
/** Bytes of a Close reason (RFC 6455 §5.5.1: 125 bytes of payload, less the code). */
const MAX_REASON = 123;
const SECOND = 1000;

/**
 * Serves one client. On every path the backend echoes messages, text as text and binary as binary. `/headers`, `/name`
 * and `/clock` send more. The text `close <code> <reason>` makes the backend send that Close.
 */
export function converse(socket: WebSocket, request: IncomingMessage, name: string, clock: Clock): void {
  const crowded = (): boolean => socket.bufferedAmount > MOST_BUFFERED;
  const taken = (): void => {
    if (socket.isPaused && !crowded()) socket.resume();
  };
  const say = (data: Buffer | string, binary = false): void => {
    socket.send(data, { binary }, taken);
    if (crowded()) socket.pause(); // back pressure: a client that does not read must not fill the memory of the backend
  };
  socket.on("error", () => {}); // ws itself sends the Close for a malformed frame
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

/** Names and values of headers, unchanged and in order. */
function fieldsOf(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ""]] : []));
}

/** The Close that a text asks for; undefined: it is no such text, or no endpoint may send the code (RFC 6455 §7.4.2). */
function closeCommand(data: Buffer): { code: number; reason: string } | undefined {
  if (data.length > "close 1000 ".length + MAX_REASON) return undefined;
  const [, digits, reason = ""] = /^close (\d{4})(?: (.*))?$/s.exec(data.toString()) ?? [];
  const code = Number(digits);
  const sendable =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code < 5000);
  return sendable ? { code, reason } : undefined;
}
