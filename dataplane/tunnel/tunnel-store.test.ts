import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { FakeLink } from "../../test/fakes/fake-link.ts";
import { closeOf, frame, parse, text } from "../../test/fakes/frames.ts";
import { until, type Peer } from "../../test/fakes/sockets.ts";
import type { PlanDraft } from "./plan.ts";
import { joinedOver, limit, planOf, READ_PATHS } from "../../test/fakes/tunnel.ts";
import { Pockets } from "../limits/store/pockets.ts";
import type { BucketShape } from "../limits/token-bucket.ts";

const closing = (peer: Peer) => closeOf(parse(peer.received).frames.at(-1) as never);
const payloads = (peer: Peer) => parse(peer.received).frames.map(({ payload }) => String(payload));
const bytesOf = (peer: Peer) => parse(peer.received).frames.reduce((sum, { payload }) => sum + payload.length, 0);
const up = (...words: string[]) => words.map((word) => text(word, true));
const shape = { limit: 10, interval: 1000, burst: 10 };

function store() {
  const [clock, link] = [new FakeClock(), new FakeLink()];
  const pockets = new Pockets({ link: () => link, prefix: "{t/p}:", id: "pod", clock });
  let names = 0;
  const bucket = (its: BucketShape = shape) =>
    pockets.bucket(`messages fromClient Client proxy\n${(names += 1)}`, its, clock.now());
  const asked = async (): Promise<void> => until("a question", () => link.open.length > 0);
  return { clock, link, bucket, asked };
}

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  test.each(["Close", "Drop", "Delay"] as const)(
    "%s: a message waits for the store's answer, and then all go on in order",
    async (onExceed) => {
      const { clock, link, bucket, asked } = store();
      const rate = limit(bucket(), onExceed);
      const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
      it.client.send(...up("1", "2"));
      await asked();
      expect([it.tunnel.paused, payloads(it.backend)]).toEqual([true, []]);
      it.client.send(...up("3"));
      await link.grant();
      await until("one", () => payloads(it.backend).length === 1);
      for (const count of [2, 3]) {
        await asked();
        await link.grant();
        await until("the next", () => payloads(it.backend).length === count);
      }
      expect([payloads(it.backend), rate.hits]).toEqual([["1", "2", "3"], 0]);
      it.tunnel.destroy();
    },
  );

  test("Close falls only when the store has said no, and tells when to try again", async () => {
    const { clock, link, bucket, asked } = store();
    const rate = limit(bucket(), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1"));
    await asked();
    expect([rate.hits, it.client.told]).toEqual([0, false]);
    await link.refuse(2500);
    await until("told", () => it.client.told && it.backend.told);
    expect(closing(it.client)).toEqual({ code: 1008, reason: "MessageRate; retry-after=3" });
    expect([payloads(it.backend).length, rate.hits]).toEqual([1, 1]);
    it.tunnel.destroy();
  });

  test("Drop falls only when the store has said no, and then for all that comes before the wait is over", async () => {
    const { clock, link, bucket, asked } = store();
    const rate = limit(bucket(), "Drop");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1", "2"), frame({ opcode: 9, mask: true, payload: "ping" }));
    await asked();
    await link.refuse(100);
    await until("the ping", () => payloads(it.backend).length === 1);
    expect([payloads(it.backend), rate.hits, link.sent]).toEqual([["ping"], 2, 1]);
    clock.advance(100);
    it.client.send(...up("3"));
    await asked();
    await link.grant();
    await until("three", () => payloads(it.backend).length === 2);
    it.tunnel.destroy();
  });

  test("Delay waits for as long as the store has said, and asks again", async () => {
    const { clock, link, bucket, asked } = store();
    const rate = limit(bucket(), "Delay");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1", "2"));
    await asked();
    await link.refuse(100);
    expect([it.tunnel.paused, rate.hits]).toEqual([true, 1]);
    clock.advance(99);
    expect(link.open).toEqual([]);
    clock.advance(1);
    await asked();
    await link.grant();
    await until("one", () => payloads(it.backend).length === 1);
    it.tunnel.destroy();
  });

  test("several limits are asked at the same time, and a token is taken of every one or of none", async () => {
    const { clock, link, bucket, asked } = store();
    const [wide, narrow] = [limit(bucket({ ...shape, burst: 100 }), "Close"), limit(bucket(), "Drop")];
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(wide, narrow) });
    it.client.send(...up("1"), frame({ opcode: 9, mask: true, payload: "ping" }));
    await asked();
    expect(link.open[0]?.lines).toMatchObject([{ need: 1 }, { need: 1 }]);
    await link.open[0]?.answer(7, 0, 0, 0, 100_000, 0);
    await until("the ping", () => payloads(it.backend).length === 1);
    expect([wide.hits, narrow.hits, wide.bucket.available(clock.now())]).toEqual([0, 1, 6]);
    it.tunnel.destroy();
  });

  test("a call that fails is made again; a second one lets the message go on by the pod's own count", async () => {
    const { clock, link, bucket, asked } = store();
    const rate = limit(bucket(), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1", "2"));
    await asked();
    await link.open[0]?.fail();
    await asked();
    expect(payloads(it.backend)).toEqual([]);
    await link.open[0]?.fail();
    await until("both", () => payloads(it.backend).length === 2);
    expect(link.sent).toBe(2);
    it.tunnel.destroy();
  });

  test("while the store is unavailable nothing is held, and bytes go ahead as a debt", async () => {
    const { clock, link, bucket } = store();
    link.available = false;
    const rate = limit(bucket(), "Delay");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.bytes.push(rate) });
    it.client.send(...up("x".repeat(30)));
    await until("all of it", () => payloads(it.backend).length === 1 && it.tunnel.paused);
    expect(link.sent).toBe(0);
    it.tunnel.destroy();
  });

  test("a session that is destroyed while it waits: the answer finds nothing, and no timer is left", async () => {
    const { clock, link, bucket, asked } = store();
    const rate = limit(bucket(), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1"));
    await asked();
    it.tunnel.destroy();
    await until("the end", () => it.ends.length > 0);
    await link.refuse(1000);
    expect([rate.hits, payloads(it.backend)]).toEqual([0, []]);
    expect(clock.pending).toBe(0);
  });

  test("a client that hangs up behind a message that waits: the backend gets the message first", async () => {
    const { clock, link, bucket, asked } = store();
    const rate = limit(bucket(), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1"));
    await asked();
    it.client.socket.end();
    await link.grant();
    await until("the end", () => it.backend.told);
    expect(payloads(it.backend)).toEqual(["1"]);
    it.tunnel.destroy();
  });

  test("a plan that changes while a message waits holds for that message: it is asked for anew, or goes on", async () => {
    const { clock, link, bucket, asked } = store();
    const rate = limit(bucket(), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1"));
    await asked();
    it.tunnel.apply(planOf());
    await until("one", () => payloads(it.backend).length === 1);
    await link.refuse(1000);
    expect([rate.hits, it.client.told]).toEqual([0, false]);
    it.tunnel.destroy();
  });

  test("the gateway ends a session whose message waits: both peers are told, and the message goes nowhere", async () => {
    const { clock, link, bucket, asked } = store();
    const rate = limit(bucket(), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1"));
    await asked();
    it.tunnel.close({ reason: "Draining" });
    await until("told", () => it.client.told && it.backend.told);
    await link.grant();
    expect(payloads(it.backend)).not.toContain("1");
    it.tunnel.destroy();
  });

  test("bytes under Close: a frame waits as a whole, and ends the session only when the store has said no", async () => {
    const { clock, link, bucket, asked } = store();
    const [messages, rate] = [limit(bucket(), "Close"), limit(bucket(), "Close")];
    const it = await joined({
      clock,
      plan: (draft) => {
        draft.fromClient.messages.push(messages);
        draft.fromClient.bytes.push(rate);
      },
    });
    it.client.send(...up("eight by"), ...up("eight by"));
    await asked();
    expect(link.open[0]?.lines).toMatchObject([{ need: 1 }, { need: 8, least: 8 }]);
    await link.grant();
    await asked();
    await until("the first", () => payloads(it.backend).length === 1);
    await link.open[0]?.answer(1, 0, 0, 0, 600_000, 0);
    await until("told", () => it.client.told && it.backend.told);
    expect(closing(it.client)).toEqual({ code: 1008, reason: "ByteRate; retry-after=1" });
    expect(bytesOf(it.backend)).toBe(8 + (parse(it.backend.received).frames.at(-1)?.payload.length ?? 0));
    it.tunnel.destroy();
  });

  test("bytes under Close: a frame larger than the burst ends the session without a question", async () => {
    const { clock, link, bucket } = store();
    const it = await joined({ clock, plan: (draft) => draft.fromClient.bytes.push(limit(bucket(), "Close")) });
    it.client.send(...up("x".repeat(11)));
    await until("told", () => it.client.told && it.backend.told);
    expect([closing(it.client).reason, link.sent]).toEqual(["ByteRate; retry-after=1", 0]);
    it.tunnel.destroy();
  });

  test("bytes under Delay: what is granted goes on at once, the rest of the frame waits, and none is lost", async () => {
    const { clock, link, bucket, asked } = store();
    const rate = limit(bucket({ limit: 1000, interval: 1000, burst: 1000 }), "Delay");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.bytes.push(rate) });
    const payload = "0123456789".repeat(300);
    it.client.send(...up(payload), ...up("next"));
    let granted = 0;
    await asked();
    while (granted < 3004) {
      const { need = 0, ahead = 0 } = link.open[0]?.lines[0] ?? {};
      expect(need).toBeLessThanOrEqual(250);
      granted += need + ahead;
      await link.grant();
      await until("what was granted, or the next question", () => link.open.length > 0 || granted >= 3004);
      expect(it.counts.fromClient.bytes).toBeLessThanOrEqual(granted);
      if (granted >= 1000 && rate.hits === 0) {
        await link.refuse(100);
        expect([it.tunnel.paused, rate.hits]).toEqual([true, 1]);
        clock.advance(99);
        expect(link.open).toEqual([]);
        clock.advance(1);
        await asked();
      }
    }
    await until("both messages", () => payloads(it.backend).length === 2);
    expect(payloads(it.backend)).toEqual([payload, "next"]);
    it.tunnel.destroy();
  });

  test("in Shadow messages and bytes wait for nothing; hits are counted when the answer comes", async () => {
    const { clock, link, bucket, asked } = store();
    const [rate, bytes] = [limit(bucket(), "Close", true), limit(bucket(), "Delay", true)];
    const it = await joined({
      clock,
      plan: (draft) => {
        draft.fromClient.messages.push(rate);
        draft.fromClient.bytes.push(bytes);
      },
    });
    it.client.send(...up("1", "2", "3"));
    await until("all", () => payloads(it.backend).length === 3);
    await asked();
    expect([it.tunnel.paused, rate.hits]).toEqual([false, 0]);
    await link.refuse(100);
    while (link.open.length > 0) await link.refuse(100);
    expect([rate.hits, bytes.hits > 0]).toEqual([3, true]);
    it.tunnel.destroy();
  });

  test("while the receiver is behind the store is not asked: what it grants would be lost", async () => {
    const { clock, link, bucket } = store();
    const wide = bucket({ limit: 100_000, interval: 1000, burst: 100_000 });
    const plan = (draft: PlanDraft): void => {
      draft.fromClient.bytes.push(limit(wide, "Delay"));
      draft.slowConsumer = { maxBuffered: 50_000, timeout: 30_000 };
    };
    const it = await joined({ clock, plan });
    it.backend.socket.pause();
    for (let n = 0; n < 200; n += 1) it.client.send(frame({ opcode: 2, mask: true, payload: Buffer.alloc(60_000) }));
    let granted = 0;
    for (let quiet = 0; quiet < 50; quiet += 1) {
      for (const { lines } of link.open) {
        quiet = 0;
        granted += lines.reduce((sum, { need, ahead }) => sum + need + ahead, 0);
        await link.grant();
      }
      await new Promise(setImmediate);
    }
    expect(it.tunnel.paused).toBe(true);
    expect(granted).toBe(it.counts.fromClient.bytes + wide.available(clock.now()));
    it.backend.socket.resume();
    await until("the next question", () => link.open.length > 0);
    it.tunnel.destroy();
  });

  test("a compressed message under Drop that took force meanwhile waits for the answer, then as under Delay", async () => {
    const { clock, link, bucket, asked } = store();
    const it = await joined({ clock, deflate: true });
    it.tunnel.apply(planOf((draft) => draft.fromClient.messages.push(limit(bucket(), "Drop"))));
    it.client.send(frame({ rsv: 4, mask: true, payload: "1" }));
    await asked();
    await link.refuse(100);
    expect(it.tunnel.paused).toBe(true);
    clock.advance(100);
    await asked();
    await link.grant();
    await until("one", () => payloads(it.backend).length === 1);
    it.tunnel.destroy();
  });
});
