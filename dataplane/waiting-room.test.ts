import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { FakeClock } from "../test/fakes/clock.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** Of a socket, what the room looks at. */
class Visitor extends EventEmitter {
  destroyed = false;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress = "192.0.2.80";

  constructor(address: string | undefined, port: number | undefined) {
    super();
    this.remoteAddress = address;
    this.remotePort = port;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

const visitor = (address: string | undefined = "192.0.2.1", port: number | undefined = 1): Visitor & Socket =>
  new Visitor(address, port) as unknown as Visitor & Socket;

function roomOf(timeout = 1000): { room: WaitingRoom; clock: FakeClock; late: Socket[] } {
  const clock = new FakeClock();
  const late: Socket[] = [];
  return {
    room: new WaitingRoom(
      clock,
      () => timeout,
      (socket) => late.push(socket),
    ),
    clock,
    late,
  };
}

test("who has not left in time is late, once; who has left or closed is not", () => {
  const { room, clock, late } = roomOf();
  const [slow, quick, closed] = [visitor(undefined, 1), visitor("192.0.2.1", 2), visitor("192.0.2.1", 3)];
  for (const socket of [slow, quick, closed]) room.enter(socket);
  expect(room.size).toBe(3);
  room.leave(quick);
  closed.destroy();
  clock.advance(999);
  expect(late).toEqual([]);
  clock.advance(1);
  expect(late).toEqual([slow]);
  expect([room.size, clock.pending]).toEqual([0, 0]);
});

test("once a TLS handshake is done, the TLS socket is the one that is late or leaves", () => {
  const { room, clock, late } = roomOf();
  const tls = visitor("192.0.2.1", 7);
  room.enter(visitor("192.0.2.1", 7));
  room.secured(tls);
  clock.advance(1000);
  expect(late).toEqual([tls]);
  room.enter(visitor("192.0.2.1", 8));
  const other = visitor("192.0.2.1", 8);
  room.secured(other);
  room.leave(other);
  expect(room.size).toBe(0);
});

test("a source port that is used again does not take the newer socket out with the older one", () => {
  const { room, clock, late } = roomOf();
  const [older, newer] = [visitor("192.0.2.1", 9), visitor("192.0.2.1", 9)];
  room.enter(older);
  clock.advance(500);
  room.enter(newer); // accepted before the reset of the older one was read
  older.destroy();
  expect(room.size).toBe(1);
  clock.advance(1000);
  expect(late).toEqual([newer]);
});

test("sockets of which nothing is known any more are told apart all the same", () => {
  const { room, clock, late } = roomOf();
  const gone = [visitor("", undefined), visitor("", undefined)];
  gone.forEach((socket) => room.enter(socket));
  gone[0]?.destroy();
  clock.advance(1000);
  expect(late).toEqual([gone[1]]);
});

test.each<[string, (n: number) => string]>([
  ["an IPv4 address", () => "192.0.2.1"],
  ["the same address, mapped or not", (n) => (n % 2 === 0 ? "192.0.2.1" : "::ffff:192.0.2.1")],
  ["an IPv6 /64", (n) => `2001:db8:0:1::${(n + 1).toString(16)}`],
])("of %s 1,024 wait; one more, and the one that waited longest goes", (_what, address) => {
  const { room } = roomOf();
  const bystander = visitor("198.51.100.1", 1);
  room.enter(bystander);
  const many = Array.from({ length: 1026 }, (_, n) => visitor(address(n), n + 1));
  many.forEach((socket) => room.enter(socket));
  expect(room.size).toBe(1025);
  expect(many.map(({ destroyed }) => destroyed).lastIndexOf(true)).toBe(1);
  expect(many.filter(({ destroyed }) => destroyed).length).toBe(2);
  expect(bystander.destroyed).toBe(false);
});

test("4,096 wait in all", () => {
  const { room, clock } = roomOf();
  const many = Array.from({ length: 4100 }, (_, n) => visitor(`10.0.${n >> 8}.${n & 255}`, n + 1));
  many.forEach((socket) => room.enter(socket));
  expect([room.size, clock.pending]).toEqual([4096, 4096]);
  expect(many.filter(({ destroyed }) => destroyed)).toEqual(many.slice(0, 4));
});
