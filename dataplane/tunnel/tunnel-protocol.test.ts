import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { close, closeOf, frame, parse, text } from "../../test/fakes/frames.ts";
import { until } from "../../test/fakes/sockets.ts";
import { joinedOver, READ_PATHS } from "../../test/fakes/tunnel.ts";

type Case = [what: string, up: boolean, bytes: Buffer];

const up = (what: string, bytes: Buffer): Case => [`a client's ${what}`, true, bytes];
const down = (what: string, bytes: Buffer): Case => [`a backend's ${what}`, false, bytes];
const mask = true;

const broken: Case[] = [
  up("unmasked frame", text("x")),
  down("masked frame", text("x", true)),
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) => up(`reserved bits ${rsv}`, frame({ rsv, mask, payload: "x" }))),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => up(`opcode ${opcode}`, frame({ opcode, mask, payload: "x" }))),
  down("opcode 3", frame({ opcode: 3, payload: "x" })),
  up("ping of 126 bytes", frame({ opcode: 9, mask, payload: "x".repeat(126) })),
  up("ping in fragments", frame({ opcode: 9, fin: false, mask, payload: "x" })),
  up("pong with a reserved bit", frame({ opcode: 10, rsv: 4, mask, payload: "x" })),
  up("continuation of nothing", frame({ opcode: 0, mask, payload: "x" })),
  up(
    "text within a message",
    Buffer.concat([frame({ fin: false, mask, payload: "x" }), frame({ mask, payload: "y" })]),
  ),
  up("length of 16 bits that fits 7", frame({ mask, payload: "x", form: 16 })),
  up("length of 64 bits that fits 16", frame({ mask, payload: "x".repeat(200), form: 64 })),
  up("length with its top bit set", Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])),
  up("Close of one byte", frame({ opcode: 8, mask, payload: "\x03" })),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) =>
    up(`Close code ${code}`, close(code, "", mask)),
  ),
  down("Close code 1006", close(1006)),
];

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  test.each(broken)("%s is a protocol error to both peers", async (_what, isUp, bytes) => {
    for (const split of [false, true]) {
      const it = await joined();
      const [from, to] = isUp ? [it.client, it.backend] : [it.backend, it.client];
      from.send(text("fine", isUp));
      if (split) for (const byte of bytes) from.send(Buffer.from([byte]));
      else from.send(bytes);
      await until("the other end is told", () => to.told);
      to.socket.end();
      await until("the end that broke it is told", () => from.told);
      for (const peer of [from, to]) {
        const last = parse(peer.received).frames.at(-1);
        expect(closeOf(last as never)).toEqual({ code: 1002, reason: "ProtocolError" });
      }
      expect(String(parse(to.received).frames[0]?.payload)).toBe("fine");
      it.client.socket.end();
      it.backend.socket.end();
      await until("the end", () => it.ends.length === 1);
      expect(it.ends[0]).toMatchObject({ code: 1002, by: "gateway", termination: { reason: "ProtocolError" } });
    }
  });

  test.each([
    ["client", "backend"],
    ["backend", "client"],
  ] as const)("answers to what came before a %s's protocol error still reach it", async (culprit, other) => {
    const it = await joined({ clock: new FakeClock() });
    const masked = culprit === "client";
    it[culprit].send(text("asked", masked), frame({ opcode: 3, mask: masked }));
    await until("the other end is told", () => it[other].told);
    it[other].send(text("answered", !masked));
    it[other].send(close(1000, "of the other end's own", !masked), text("too late", !masked));
    await until("the end that broke it is told", () => it[culprit].told);
    const [answer, last, ...more] = parse(it[culprit].received).frames;
    expect(String(answer?.payload)).toBe("answered");
    expect(closeOf(last as never)).toEqual({ code: 1002, reason: "ProtocolError" });
    expect(more).toEqual([]);
    it.tunnel.destroy();
  });

  test("an end that breaks the protocol gets its Close after half a second, whatever the other end does", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock });
    it.client.send(frame({ opcode: 3, mask }));
    await until("the backend is told", () => it.backend.told);
    clock.advance(499);
    expect(it.client.received).toHaveLength(0);
    clock.advance(1);
    await until("the client is told", () => it.client.told);
    expect(closeOf(parse(it.client.received).frames[0] as never)).toEqual({ code: 1002, reason: "ProtocolError" });
    it.tunnel.destroy();
  });

  test("the tunnel waits for no answers to a client that broke the protocol and has gone", async () => {
    const it = await joined({ clock: new FakeClock() });
    it.client.send(frame({ opcode: 3, mask }));
    it.client.socket.end();
    await until("both peers are told", () => it.backend.told && it.client.closed);
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1002, by: "gateway" });
  });

  test("a client that sends FIN right behind a broken frame is told why the session ends", async () => {
    const it = await joined({ clock: new FakeClock() });
    it.client.socket.end(frame({ opcode: 3, mask }));
    await until("the client's end", () => it.client.ended);
    expect(closeOf(parse(it.client.received).frames.at(-1) as never)).toEqual({ code: 1002, reason: "ProtocolError" });
    it.tunnel.destroy();
  });

  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    "Close code %d is carried over",
    async (code) => {
      const it = await joined();
      it.client.send(close(code, "why", true));
      await until("carried", () => it.backend.received.length > 0);
      expect(it.backend.received.equals(close(code, "why", true))).toBe(true);
      it.client.socket.end();
      it.backend.socket.end();
      await until("the end", () => it.ends.length === 1);
      expect(it.ends[0]).toMatchObject({ code, by: "client" });
    },
  );

  test("text that is not UTF-8 and close reasons that are not go through: they concern client and backend only", async () => {
    const it = await joined();
    const bytes = Buffer.concat([
      frame({ mask, payload: Buffer.from([0xff, 0xfe]) }),
      frame({ opcode: 8, mask, payload: Buffer.from([0x03, 0xe8, 0xff]) }),
    ]);
    it.client.send(bytes);
    await until("carried", () => it.backend.received.length === bytes.length);
    expect(it.backend.received.equals(bytes)).toBe(true);
    it.tunnel.destroy();
  });

  test("RSV1 passes on the first frame of a message, and only where compression was negotiated", async () => {
    const it = await joined({ deflate: true });
    const message = [frame({ rsv: 4, fin: false, mask, payload: "a" }), frame({ opcode: 0, mask, payload: "b" })];
    it.client.send(...message);
    await until("carried", () => it.backend.received.length === Buffer.concat(message).length);
    it.client.send(frame({ fin: false, mask, payload: "a" }), frame({ opcode: 0, rsv: 4, mask, payload: "b" }));
    await until("told", () => it.backend.told);
    expect(closeOf(parse(it.backend.received).frames.at(-1) as never).code).toBe(1002);
    it.tunnel.destroy();
  });

  test("control frames between the fragments of a message pass", async () => {
    const it = await joined();
    const bytes = Buffer.concat([
      frame({ fin: false, mask, payload: "a" }),
      frame({ opcode: 9, mask, payload: "ping" }),
      frame({ opcode: 0, fin: false, mask, payload: "" }),
      frame({ opcode: 0, mask, payload: "b" }),
    ]);
    it.client.send(bytes);
    await until("carried", () => it.backend.received.length === bytes.length);
    expect(it.backend.received.equals(bytes)).toBe(true);
    expect(it.counts.fromClient).toEqual({ messages: 1, bytes: 2 });
    it.tunnel.destroy();
  });

  test("a flood of pings ends the session with 1008", async () => {
    const it = await joined();
    const ping = frame({ opcode: 9, mask, payload: "x" });
    for (let round = 0; round < 20; round += 1) it.client.send(...Array.from({ length: 100 }, () => ping));
    await until("told", () => it.client.told);
    expect(closeOf(parse(it.client.received).frames.at(-1) as never)).toEqual({
      code: 1008,
      reason: "PingFlood; retry-after=1",
    });
    it.tunnel.destroy();
  });
});
