import { createServer, type AddressInfo, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import type { Chatter } from "./chatty-peer.ts";

const {
  start = "",
  unit = "",
  times = Number.POSITIVE_INFINITY,
  byteByByte = false,
  end = false,
} = workerData as Chatter;
/** Bytes of one write. */
const BATCH = 65_536;
const perBatch = Math.max(1, Math.floor(BATCH / Math.max(1, unit.length)));

function talk(socket: Socket): void {
  let left = unit === "" ? 0 : times;
  const next = (): Buffer => {
    const count = Math.min(left, byteByByte ? 1 : perBatch);
    left -= count;
    return Buffer.from(unit.repeat(count), "latin1");
  };
  const say = (bytes: Buffer): void => {
    if (socket.destroyed) return;
    if (byteByByte && bytes.length > 1) {
      socket.write(bytes.subarray(0, 1), () => say(bytes.subarray(1)));
    } else {
      // One write a turn, so that no connection keeps the others of this thread waiting.
      socket.write(bytes, () => setImmediate(() => (left > 0 ? say(next()) : end && socket.end())));
    }
  };
  say(Buffer.from(start, "latin1"));
}

const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {});
  socket.once("data", () => talk(socket));
  socket.on("end", () => socket.end());
});
server.listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port, []));
