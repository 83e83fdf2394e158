import { createServer, type AddressInfo, type Socket } from "node:net";
import { acceptFor } from "./backends.ts";
import type { Arrival, Arrivals } from "./arrivals.ts";

// A backend that notes when bytes of sessions arrive, and answers nothing.

const TICK = 2;
const HEADER = 6;
const CLOSE = 8;
const byPath: Record<string, Arrival[]> = {};
let late = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  late = Math.max(late, now - last - TICK);
  last = now;
}, TICK).unref();

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  let head = "";
  const upgrade = (chunk: Buffer): void => {
    head += chunk.toString("latin1");
    if (!head.includes("\r\n\r\n")) return;
    socket.off("data", upgrade);
    const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? "";
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`,
    );
    note(socket, /^GET (\S+)/.exec(head)?.[1] ?? "");
    const early = head.slice(head.indexOf("\r\n\r\n") + 4).length;
    if (early > 0) throw new Error("bytes came before the 101");
  };
  socket.on("data", upgrade);
});

/** Frames of clients are masked, and those of these tests have less than 126 bytes: their headers have six. */
function note(socket: Socket, path: string): void {
  const arrivals = (byPath[path] ??= []);
  let header = Buffer.alloc(0);
  let missing = 0;
  socket.on("data", (chunk: Buffer) => {
    let [messages, bytes] = [0, 0];
    for (let at = 0; at < chunk.length;) {
      if (missing === 0) {
        const taken = chunk.subarray(at, at + HEADER - header.length);
        header = Buffer.concat([header, taken]);
        at += taken.length;
        if (header.length < HEADER) break;
        missing = (header[1] ?? 0) & 127;
        if (((header[0] ?? 0) & 15) === CLOSE) return;
        header = Buffer.alloc(0);
        messages += 1;
      }
      const payload = Math.min(missing, chunk.length - at);
      [at, missing, bytes] = [at + payload, missing - payload, bytes + payload];
    }
    arrivals.push({ at: performance.now(), messages, bytes });
  });
}

process.on("message", () => {
  process.send?.({ byPath, late } satisfies Arrivals);
});
process.on("disconnect", () => process.exit());
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
