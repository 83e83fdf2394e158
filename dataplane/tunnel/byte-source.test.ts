import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { binary, parse } from "../../test/fakes/frames.ts";
import { socketPair, until } from "../../test/fakes/sockets.ts";
import { joined, planOf, READ_PATHS } from "../../test/fakes/tunnel.ts";
import { SharedPath } from "./byte-source.ts";

test.each(READ_PATHS)(
  "read through $name: bytes that a receiver has not taken survive what others read meanwhile",
  async (reads) => {
    const plan = planOf((draft) => (draft.slowConsumer = { maxBuffered: 4_000_000, timeout: 30_000 }));
    const quiet = await Promise.all(Array.from({ length: 4 }, () => joined({ reads })));
    const slow = await joined({ reads, plan: (draft) => Object.assign(draft, plan) });
    slow.client.socket.pause();
    let sent = 0;
    const message = (n: number): Buffer => binary(Buffer.alloc(9000 + n, n % 251));
    // Beyond what the kernel takes, a little at a time; after each some others read into the same memory.
    for (let behind = 0; behind < 40 && sent < 4000; sent += 1) {
      slow.backend.send(message(sent));
      await new Promise(setImmediate);
      for (const { backend } of quiet) backend.send(binary(Buffer.alloc(30_000, 255)));
      await new Promise(setImmediate);
      if (slow.tunnel.buffered > 0) behind += 1;
    }
    expect(slow.tunnel.buffered).toBeGreaterThan(0);
    slow.client.socket.resume();
    const expected = Array.from({ length: sent }, (_, n) => message(n));
    const total = expected.reduce((sum, { length }) => sum + length, 0);
    await until("every byte came", () => slow.client.received.length === total);
    expect(slow.client.received.equals(Buffer.concat(expected))).toBe(true);
    for (const it of [slow, ...quiet]) it.tunnel.destroy();
  },
);

test.each(READ_PATHS)(
  "read through $name: what came with a FIN before the session is delivered, then the end",
  async (reads) => {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const far = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
    const [near] = (await once(server, "connection")) as [Socket];
    server.close();
    near.read(0); // as the http server leaves it: reading, with no consumer of the bytes
    far.end("early");
    await until("early bytes are buffered", () => near.readableLength === 5);
    const source = reads.open(near);
    source.socket.on("error", () => {});
    let heard = "";
    let ends = 0;
    source.to({ behind: false, waits: false, bytes: (chunk) => (heard += chunk.toString()), ended: () => (ends += 1) });
    await new Promise(setImmediate);
    expect(heard).toBe("");
    source.resume();
    await until("the end", () => ends === 1);
    expect(heard).toBe("early");
    expect(source.socket.writable).toBe(true);
    source.socket.end("last word");
    expect(String((await once(far, "data"))[0])).toBe("last word");
    await until("closed", () => source.socket.closed);
    expect(ends).toBe(1);
  },
);

test.each(READ_PATHS)(
  "read through $name: all that came in several pieces before the session is delivered, in order",
  async (reads) => {
    const { peer, socket } = await socketPair();
    socket.read(0);
    const pieces = ["one ", "two ", "three ", "four "];
    for (const [at, piece] of pieces.entries()) {
      peer.send(Buffer.from(piece));
      await until("it is buffered", () => socket.readableLength === pieces.slice(0, at + 1).join("").length);
    }
    const source = reads.open(socket);
    let heard = "";
    source.to({ behind: false, waits: false, bytes: (chunk) => (heard += chunk.toString()), ended: () => {} });
    peer.send(Buffer.from("five"));
    source.resume();
    await until("the last piece came", () => heard.endsWith("five"));
    expect(heard).toBe("one two three four five");
    source.socket.destroy();
    peer.socket.destroy();
  },
);

test("a socket with bytes that wait to be written, or that is gone, is read through data events", async () => {
  const path = new SharedPath();
  const busy = await socketPair();
  busy.peer.socket.pause();
  while (busy.socket.writableLength === 0) busy.socket.write(Buffer.alloc(1_000_000));
  expect(path.open(busy.socket).socket).toBe(busy.socket);
  const gone = await socketPair();
  gone.socket.destroy();
  expect(path.open(gone.socket).socket).toBe(gone.socket);
  const idle = await socketPair();
  const taken = path.open(idle.socket).socket;
  expect(taken).not.toBe(idle.socket);
  for (const { peer, socket } of [busy, gone, idle]) {
    peer.socket.destroy();
    socket.destroy();
  }
  taken.destroy();
});

test("the server that a socket came from counts it no more, and the connection lives", async () => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const far = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const [near] = (await once(server, "connection")) as [Socket];
  const { socket } = new SharedPath().open(near);
  server.close();
  await once(server, "close");
  socket.write("still here");
  expect(String((await once(far, "data"))[0])).toBe("still here");
  expect(socket.remotePort).toBe(far.localPort);
  far.destroy();
  socket.destroy();
});

test("frames behind a read that ends in the middle of a header are whole at the other end", async () => {
  const it = await joined();
  const bytes = Buffer.concat([binary(Buffer.alloc(65_536, 3), true), binary(Buffer.alloc(70_000, 4), true)]);
  it.client.send(bytes);
  await until("both", () => it.backend.received.length === bytes.length);
  expect(parse(it.backend.received).frames).toHaveLength(2);
  it.tunnel.destroy();
});
