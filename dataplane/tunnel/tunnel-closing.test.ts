import { describe, expect, test } from "vitest";
import { close, frame, parse, text } from "../../test/fakes/frames.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { until, type Peer } from "../../test/fakes/sockets.ts";
import { joinedOver, READ_PATHS, type Joined, type JoinOptions } from "../../test/fakes/tunnel.ts";

const mask = true;

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  test("an end that breaks the protocol while the session closes is cut off, and its broken frame is not forwarded", async () => {
    const it = await joined();
    it.client.send(close(1000, "", mask));
    await until("the Close arrived", () => it.backend.received.length > 0);
    it.backend.send(text("whole"), text("masked", mask), text("after the fault"));
    await until("both peers hang up", () => it.client.ended && it.backend.ended);
    expect(it.client.received.equals(text("whole"))).toBe(true);
    it.client.socket.end();
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1000, by: "client" });
  });

  test("bytes behind a broken frame that come later are not forwarded either", async () => {
    const it = await joined();
    it.client.send(close(1000, "", mask));
    await until("the Close arrived", () => it.backend.received.length > 0);
    it.backend.send(frame({ opcode: 3, payload: "x" }));
    await until("the client's end", () => it.client.ended);
    it.backend.send(text("later"));
    it.client.socket.end();
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.client.received).toHaveLength(0);
    expect(it.ends).toEqual([{ code: 1000, by: "client", termination: undefined }]);
  });

  test("when the client hangs up instead of answering the backend's Close, the backend sees the end at once", async () => {
    const it = await joined();
    it.backend.send(close(1000));
    await until("the Close arrived", () => it.client.received.length > 0);
    it.client.socket.end();
    await until("the backend sees the end", () => it.backend.ended, 3000);
    expect(it.backend.received).toHaveLength(0);
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1000, by: "backend" });
  });

  test("a backend that half-closes right behind its Close still gets the client's Close", async () => {
    const it = await joined();
    it.backend.send(close(4000, "done"));
    it.backend.socket.end();
    await until("the Close arrived", () => parse(it.client.received).frames.length === 1);
    it.client.send(close(4000, "done", mask));
    await until("the answer arrived", () => it.backend.received.length > 0);
    expect(it.backend.received.equals(close(4000, "done", mask))).toBe(true);
    await until("both peers hang up", () => it.client.ended && it.backend.ended);
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends).toEqual([{ code: 4000, by: "backend", termination: undefined }]);
  });

  test("a client that half-closes right behind its Close still gets the backend's Close", async () => {
    const it = await joined();
    it.client.send(close(4000, "done", mask));
    it.client.socket.end();
    await until("the Close arrived", () => it.backend.received.length > 0);
    it.backend.send(text("wait"), close(4000, "done"));
    await until("the answer arrived", () => parse(it.client.received).frames.length === 2);
    await until("both peers hang up", () => it.client.ended && it.backend.ended);
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 4000, by: "client" });
  });

  test.each(["FIN", "RST"])("all that came before a backend's %s is delivered before the 1013", async (how) => {
    const it = await joined();
    it.client.socket.pause();
    const message = frame({ opcode: 2, payload: Buffer.alloc(50_000, 9) });
    for (let n = 0; n < 20; n += 1) it.backend.send(message);
    await until("the gateway has it", () => it.counts.fromBackend.bytes === 1_000_000);
    if (how === "FIN") it.backend.socket.end();
    else it.backend.socket.resetAndDestroy();
    it.client.socket.resume();
    await until("all of it", () => it.client.told);
    expect(parse(it.client.received).frames).toHaveLength(21);
    expect(parse(it.client.received).frames.at(-1)?.opcode).toBe(8);
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1013, by: "backend" });
  });

  test("a backend that leaves behind more than was read yet loses none of it", async () => {
    const it = await joined();
    it.client.socket.pause();
    const message = frame({ opcode: 2, payload: Buffer.alloc(50_000, 9) });
    for (let n = 0; n < 200; n += 1) it.backend.send(message);
    it.backend.socket.end();
    await until("the gateway waits for the client", () => it.tunnel.paused);
    it.client.socket.resume();
    await until("all of it", () => it.client.told);
    expect(parse(it.client.received).frames).toHaveLength(201);
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1013, by: "backend" });
  });

  test.each(["client", "backend"] as const)(
    "a %s that goes on sending after the end is read no further, and still gets its Close",
    async (name) => {
      const clock = new FakeClock();
      const it = await joined({ clock });
      const peer = name === "client" ? it.client : it.backend;
      it.tunnel.close({ reason: "Denied" });
      await until("it is told", () => peer.told);
      const message = frame({ opcode: 2, mask: name === "client", payload: Buffer.alloc(1_000_000) });
      for (let n = 0; n < 64; n += 1) peer.send(message);
      let left = 0;
      await until("nothing is taken any more", async () => {
        const before = left;
        left = peer.socket.writableLength;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return left === before && left === peer.socket.writableLength;
      });
      expect(left).toBeGreaterThan(32_000_000);
      clock.advance(2000);
      await until("the end", () => it.ends.length === 1);
      expect(it.ends).toEqual([{ code: 3003, by: "gateway", termination: { reason: "Denied" } }]);
    },
  );

  describe("what a peer sent last, while the other takes nothing for longer than an answer may take", () => {
    const MESSAGES = 12;

    /** One peer does not read; the gateway has yet to deliver the other's messages, and then `last`. */
    async function stalled(
      to: "client" | "backend",
      last: (sender: Peer, it: Joined) => void,
      change: JoinOptions["plan"] = () => {},
    ): Promise<{ it: Joined; clock: FakeClock; receiver: Peer }> {
      const clock = new FakeClock();
      const plan: JoinOptions["plan"] = (draft) => {
        draft.slowConsumer = { maxBuffered: 64 * 1_048_576, timeout: 30_000 };
        change(draft);
      };
      const it = await joined({ clock, plan });
      const [sender, receiver] = to === "client" ? [it.backend, it.client] : [it.client, it.backend];
      receiver.socket.pause();
      const message = frame({ opcode: 2, payload: Buffer.alloc(1_000_000, 9), mask: to === "backend" });
      for (let n = 0; n < MESSAGES; n += 1) sender.send(message);
      const count = to === "client" ? it.counts.fromBackend : it.counts.fromClient;
      await until("the gateway has them all", () => count.bytes === MESSAGES * 1_000_000);
      last(sender, it);
      await until("the gateway has that too", () => clock.pending > 0);
      return { it, clock, receiver };
    }

    test.each([
      ["a Close of the backend", "client", (sender) => sender.send(close(4000, "done")), close(4000, "done")],
      [
        "a Close of the client",
        "backend",
        (sender) => sender.send(close(4000, "done", mask)),
        close(4000, "done", mask),
      ],
      ["the end of a client that left", "backend", (sender) => sender.socket.end(), Buffer.alloc(0)],
      [
        "the backend's answer to a Close",
        "client",
        (sender, { client }) => {
          client.send(close(4000, "", mask));
          sender.send(close(4000, "done"));
        },
        close(4000, "done"),
      ],
    ] satisfies [string, "client" | "backend", Parameters<typeof stalled>[1], Buffer][])(
      "%s comes behind all of it",
      async (_what, to, last, end) => {
        const { clock, receiver } = await stalled(to, last);
        clock.advance(20_000);
        receiver.socket.resume();
        const all = MESSAGES * (1_000_000 + (to === "client" ? 10 : 14)) + end.length;
        await until("all of it", () => receiver.received.length === all);
        expect(receiver.received.subarray(all - end.length).equals(end)).toBe(true);
        clock.advance(10_000);
        await until("the end", () => receiver.ended);
      },
    );

    test.each(["client", "backend"] as const)(
      "a %s that never takes it is cut off after the time of a slow consumer",
      async (to) => {
        const { it, clock } = await stalled(to, (sender) => sender.send(close(4000, "", to === "backend")));
        clock.advance(29_000);
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(it.ends).toHaveLength(0);
        clock.advance(2_000);
        await until("the end", () => it.ends.length === 1);
        const by = to === "client" ? "backend" : "client";
        expect(it.ends).toEqual([{ code: 4000, by, termination: undefined }]);
        expect(clock.pending).toBe(0);
      },
    );

    test.each([
      [
        "a Close of both peers",
        (sender: Peer, { client }: Joined) => {
          client.send(close(4000, "", mask));
          sender.send(close(4000, ""));
        },
      ],
      ["the end of the backend", (sender: Peer) => sender.socket.end()],
    ])("a client keeps its slot among the sessions until %s has reached it", async (_what, last) => {
      const { it, receiver } = await stalled("client", last);
      await until("nothing is left to hear", () => it.backend.ended);
      expect(it.over).toBe(0);
      receiver.socket.resume();
      await until("it knows", () => receiver.told);
      await until("its slot is free", () => it.over === 1);
      expect(it.ends).toHaveLength(0);
    });

    test("however slowly a peer takes it, the session's lifetime holds", async () => {
      const lifetime: JoinOptions["plan"] = (draft) => {
        draft.slowConsumer = { ...draft.slowConsumer, timeout: 3_600_000 };
        draft.lifetime = 60_000;
      };
      const { it, clock } = await stalled("client", (sender) => sender.socket.end(), lifetime);
      await until("nothing is left to hear", () => it.backend.ended);
      clock.advance(59_000);
      expect(it.ends).toHaveLength(0);
      clock.advance(3_000);
      await until("the end", () => it.ends.length === 1);
      expect(it.ends[0]).toMatchObject({ code: 1013, by: "backend" });
      expect(clock.pending).toBe(0);
    });

    test("a client that lost its permission meanwhile is not waited for", async () => {
      const { it, clock } = await stalled("client", (sender) => sender.socket.end());
      it.tunnel.close({ reason: "CredentialRevoked" });
      clock.advance(2_000);
      await until("the end", () => it.ends.length === 1);
      expect(it.ends[0]).toMatchObject({ code: 1013, by: "backend" });
    });

    test("a backend is not waited for where the client leaves once the gateway has ended the session", async () => {
      const { it, clock } = await stalled("backend", ({ socket }, { tunnel }) => {
        tunnel.close({ reason: "CredentialRevoked" });
        socket.end();
      });
      await until("the client is gone", () => it.client.ended);
      clock.advance(2_000);
      await until("the end", () => it.ends.length === 1);
      expect(it.ends).toEqual([{ code: 3000, by: "gateway", termination: { reason: "CredentialRevoked" } }]);
    });
  });
});
