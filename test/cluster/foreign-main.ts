import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";

// A server as users have it: on all addresses, with what Node has itself, without graceful shutdown. A WebSocket gets each short
// text back. /sick makes its health check fail. Its text is the program of a container.
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
let healthy = true;

const server = createServer((request, response) => {
  if (request.url === "/sick") healthy = false;
  response.writeHead(healthy ? 200 : 500).end();
});
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
  const head = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade"];
  socket.write(`${[...head, `sec-websocket-accept: ${accept}`].join("\r\n")}\r\n\r\n`);
  socket.on("error", () => {});
  answer(socket);
});
server.listen(3000, "0.0.0.0");
process.once("SIGTERM", () => process.exit(0)); // process 1 of a container does not end by the signal alone

function answer(socket: Duplex): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = first(rest); frame !== undefined; frame = first(rest)) {
      rest = rest.subarray(frame.length);
      const { opcode, payload } = frame;
      const back = opcode === 9 ? 10 : opcode; // a ping gets its pong, text and Close come back
      socket.write(Buffer.concat([Buffer.from([0x80 | back, payload.length]), payload]));
      if (opcode === 8) socket.end();
    }
  });
}

/** The first frame, where it is whole: masked, of 125 bytes at the most. */
function first(
  bytes: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly length: number } | undefined {
  const size = (bytes[1] ?? 0) & 0x7f;
  const length = 6 + size;
  if (bytes.length < length) return undefined;
  const mask = bytes.subarray(2, 6);
  const payload = Buffer.from(bytes.subarray(6, length).map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload, length };
}
