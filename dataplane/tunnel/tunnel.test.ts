import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { binary, close, closeOf, frame, parse, text } from "../../test/fakes/frames.ts";
import { until } from "../../test/fakes/sockets.ts";
import { joinedOver, type Joined, READ_PATHS } from "../../test/fakes/tunnel.ts";

const gone = (it: Joined) => until("both sockets closed", () => it.ends.length === 1);

async function ended(it: Joined): Promise<void> {
  it.client.socket.end();
  it.backend.socket.end();
  await until("the tunnel's end", () => it.ends.length === 1);
}

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  test("bytes go through as they are, in both directions", async () => {
    const it = await joined();
    const up = Buffer.concat([
      text("hello", true),
      binary(Buffer.alloc(70_000, 7), true),
      frame({ opcode: 9, payload: "p", mask: true }),
    ]);
    const down = Buffer.concat([text("hi"), binary(Buffer.alloc(300, 1)), frame({ opcode: 10, payload: "q" })]);
    it.client.send(up);
    it.backend.send(down);
    await until(
      "everything arrived",
      () => it.backend.received.length === up.length && it.client.received.length === down.length,
    );
    expect(it.backend.received.equals(up)).toBe(true);
    expect(it.client.received.equals(down)).toBe(true);
    expect(it.counts).toEqual({ fromClient: { messages: 2, bytes: 70_005 }, fromBackend: { messages: 2, bytes: 302 } });
    await ended(it);
  });

  test("what came with the handshakes goes first", async () => {
    const it = await joined({ clientEarly: text("one", true), backendEarly: text("eins") });
    it.client.send(text("two", true));
    it.backend.send(text("zwei"));
    await until(
      "both",
      () => parse(it.backend.received).frames.length === 2 && parse(it.client.received).frames.length === 2,
    );
    expect(parse(it.backend.received).frames.map(({ payload }) => String(payload))).toEqual(["one", "two"]);
    expect(parse(it.client.received).frames.map(({ payload }) => String(payload))).toEqual(["eins", "zwei"]);
    await ended(it);
  });

  test("frames cut anywhere arrive whole and in order", async () => {
    const frames = fc.array(
      fc.oneof(
        fc.record({ opcode: fc.constantFrom(1, 2), payload: fc.uint8Array({ maxLength: 400 }) }),
        fc.record({ opcode: fc.constantFrom(9, 10), payload: fc.uint8Array({ maxLength: 125 }) }),
      ),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(frames, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), async (list, cuts) => {
        const it = await joined();
        const sent = Buffer.concat(
          list.map(({ opcode, payload }) => frame({ opcode, payload: Buffer.from(payload), mask: true })),
        );
        for (let at = 0, turn = 0; at < sent.length; turn += 1) {
          const next = at + (cuts[turn % cuts.length] ?? 1);
          it.client.send(sent.subarray(at, next));
          at = next;
          await new Promise(setImmediate);
        }
        await until("everything arrived", () => it.backend.received.length === sent.length);
        expect(it.backend.received.equals(sent)).toBe(true);
        expect(it.ends).toEqual([]);
        await ended(it);
      }),
      { numRuns: 25 },
    );
  });

  test("hostile bytes end the session once and never throw", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 6 }),
        async (chunks) => {
          const it = await joined();
          for (const chunk of chunks) {
            it.client.send(Buffer.from(chunk));
            it.backend.send(Buffer.from(chunk.toReversed()));
            await new Promise(setImmediate);
          }
          await ended(it);
          expect(it.ends).toHaveLength(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a Close of the client is carried over as it is, and so is the answer", async () => {
    const it = await joined();
    it.client.send(text("last", true), close(4001, "bye", true));
    await until("the Close arrived", () => parse(it.backend.received).frames.length === 2);
    expect(it.backend.received.equals(Buffer.concat([text("last", true), close(4001, "bye", true)]))).toBe(true);
    it.backend.send(text("more"), close(4001, "bye"));
    await until("the answer arrived", () => parse(it.client.received).frames.length === 2);
    await until("FIN", () => it.client.ended && it.backend.ended);
    await ended(it);
    expect(it.ends).toEqual([{ code: 4001, by: "client", termination: undefined }]);
  });

  test("a Close of the backend is carried over, also without a code", async () => {
    const it = await joined();
    it.backend.send(close());
    await until("the Close arrived", () => it.client.received.length === 2);
    it.client.send(close(undefined, "", true));
    await until("the answer arrived", () => it.backend.received.length === 6);
    await ended(it);
    expect(it.ends).toEqual([{ code: 1005, by: "backend", termination: undefined }]);
  });

  test("a Close that is not answered ends the session after 5 s", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock });
    it.client.send(close(1000, "", true));
    await until("the Close arrived", () => it.backend.received.length > 0);
    clock.advance(4999);
    expect(it.ends).toEqual([]);
    clock.advance(1);
    await gone(it);
    expect(it.ends).toEqual([{ code: 1000, by: "client", termination: undefined }]);
    expect(clock.pending).toBe(0);
  });

  test.each(["FIN", "RST"])(
    "a client that vanishes (%s) leaves the backend without a Close frame, all it sent delivered",
    async (how) => {
      const it = await joined();
      it.client.send(text("whole", true));
      await until("delivered", () => it.backend.received.length === text("whole", true).length);
      if (how === "FIN") it.client.socket.end();
      else it.client.socket.resetAndDestroy();
      await until("the backend's end", () => it.backend.ended);
      it.backend.socket.end();
      await until("the end", () => it.ends.length === 1);
      expect(it.backend.received.equals(text("whole", true))).toBe(true);
      expect(it.ends).toEqual([{ code: 1006, by: "client", termination: undefined }]);
    },
  );

  test.each(["FIN", "RST"])("a backend that is lost (%s) becomes 1013 behind everything it sent", async (how) => {
    const it = await joined();
    it.backend.send(text("last"));
    await until("delivered", () => it.client.received.length === text("last").length);
    if (how === "FIN") it.backend.socket.end();
    else it.backend.socket.resetAndDestroy();
    await until("the Close frame", () => parse(it.client.received).frames.length === 2);
    const [, last] = parse(it.client.received).frames;
    expect(closeOf(last as never)).toEqual({ code: 1013, reason: "BackendLost" });
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1013, by: "backend" });
  });

  test.each(["FIN", "RST"])("while the gateway stops, a backend that is lost (%s) becomes 1012", async (how) => {
    let stopping = false;
    const it = await joined({ stopping: () => stopping });
    it.backend.send(text("last"));
    await until("delivered", () => it.client.received.length === text("last").length);
    stopping = true;
    if (how === "FIN") it.backend.socket.end();
    else it.backend.socket.resetAndDestroy();
    await until("the Close frame", () => parse(it.client.received).frames.length === 2);
    const [, last] = parse(it.client.received).frames;
    expect(closeOf(last as never)).toEqual({ code: 1012, reason: "Draining" });
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1012, by: "gateway", termination: { reason: "Draining" } });
  });

  test("while the gateway stops, a backend that closes first has its own code carried", async () => {
    const it = await joined({ stopping: () => true });
    it.backend.send(close(4001, "own"));
    await until("the Close frame", () => parse(it.client.received).frames.length === 1);
    const [last] = parse(it.client.received).frames;
    expect(closeOf(last as never)).toEqual({ code: 4001, reason: "own" });
    it.backend.socket.end();
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toEqual({ code: 4001, by: "backend", termination: undefined });
  });

  test.each([
    ["", false, { code: 1013, by: "backend" }],
    [" while the gateway stops", true, { code: 1012, by: "gateway" }],
  ])("a backend that is lost within a frame%s leaves no frame that looks whole", async (_, stopping, end) => {
    const it = await joined({ stopping: () => stopping });
    it.backend.send(frame({ payload: "half", length: 100 }));
    await until("the half", () => it.client.received.length > 0);
    it.backend.socket.end();
    await until("the client's end", () => it.client.ended);
    expect(parse(it.client.received).frames).toEqual([]);
    await ended(it);
    expect(it.ends[0]).toMatchObject(end);
  });

  test("our own Close waits for the end of a frame, and both peers get it", async () => {
    const it = await joined();
    const payload = "0123456789";
    const whole = frame({ payload });
    it.backend.send(whole.subarray(0, 5));
    await until("the first part", () => it.client.received.length === 5);
    it.tunnel.close({ reason: "Draining" });
    await until("the backend is told", () => it.backend.received.length > 0);
    it.backend.send(whole.subarray(5), text("not any more"));
    await until("the client is told", () => parse(it.client.received).frames.length === 2);
    const [first, second] = parse(it.client.received).frames;
    expect(String(first?.payload)).toBe(payload);
    expect(closeOf(second as never)).toEqual({ code: 1012, reason: "Draining" });
    const [told] = parse(it.backend.received).frames;
    expect(told?.masked).toBe(true);
    expect(closeOf(told as never)).toEqual({ code: 1012, reason: "Draining" });
    await ended(it);
    expect(it.ends[0]).toMatchObject({ code: 1012, by: "gateway", termination: { reason: "Draining" } });
  });

  test("a frame that never ends is waited for one second, then the connection ends without a Close frame", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock });
    it.backend.send(frame({ payload: "half", length: 100 }));
    await until("the half", () => it.client.received.length > 0);
    it.tunnel.close({ reason: "IdleTimeout" });
    clock.advance(1000);
    await until("the client's end", () => it.client.ended);
    expect(parse(it.client.received).frames).toEqual([]);
    clock.advance(2000);
    await gone(it);
    expect(it.ends).toEqual([{ code: 3008, by: "gateway", termination: { reason: "IdleTimeout" } }]);
    expect(clock.pending).toBe(0);
  });

  test("a peer that does not hang up after our Close is cut off after 2 s", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock });
    it.tunnel.close({ reason: "LifetimeEnded" });
    await until("both told", () => it.client.received.length > 0 && it.backend.received.length > 0);
    expect(it.ends).toEqual([]);
    clock.advance(2000);
    await gone(it);
    expect(it.ends).toEqual([{ code: 3008, by: "gateway", termination: { reason: "LifetimeEnded" } }]);
  });

  test("only the first end counts", async () => {
    const it = await joined();
    it.tunnel.close({ reason: "IdleTimeout" });
    it.tunnel.close({ reason: "Draining" });
    await ended(it);
    for (const { received } of [it.client, it.backend])
      expect(parse(received).frames.map(closeOf)).toEqual([{ code: 3008, reason: "IdleTimeout" }]);
    expect(it.ends).toEqual([{ code: 3008, by: "gateway", termination: { reason: "IdleTimeout" } }]);
  });

  test("destroy ends both connections, and sends neither end a Close", async () => {
    const it = await joined();
    it.tunnel.destroy();
    await gone(it);
    await until("both ends see it", () => [it.client, it.backend].every((peer) => peer.ended || peer.closed));
    expect([it.client.received.length, it.backend.received.length]).toEqual([0, 0]);
    expect(it.ends).toEqual([{ code: 1006, by: "gateway", termination: undefined }]);
  });
});
