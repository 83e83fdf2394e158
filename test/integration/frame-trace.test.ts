import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DEBUG } from "../../api/debug.ts";
import { frameStream } from "../../dataplane/admin/frames.ts";
import type { ServedProxy } from "../../dataplane/served-proxy.ts";
import { withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { FakeClock } from "../fakes/clock.ts";
import type { ConfigParts } from "../fakes/config.ts";
import { close, frame, text } from "../fakes/frames.ts";
import { EventReader, reading } from "../fakes/event-reader.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";
import { READ_PATHS } from "../fakes/tunnel.ts";
import { systemClock } from "../../runtime/clock.ts";

// `/debug/frames`: which frames of which sessions a trace shows, over real sockets; the admin port itself is not here.

const clients = ["alice", "bob"];

const ask = ({ gateway }: TestGateway, query: string) => frameStream(gateway, new URLSearchParams(query));

/** Opens the stream, as the admin server does. */
function opened(gateway: TestGateway, query: string): EventReader {
  const answer = ask(gateway, query);
  if (!("open" in answer)) throw new Error(`${answer.status} ${String(answer.body)}`);
  const reader = new EventReader();
  reader.leave = answer.open(reader);
  return reader;
}

describe.each(READ_PATHS)("read through $name", (reads) => {
  let backend: RawBackend;
  let gateway: TestGateway;
  beforeEach(async () => {
    backend = await new RawBackend().open();
    gateway = new TestGateway(systemClock, Math.random, reads);
  });
  afterEach(async () => {
    await gateway.close();
    await backend.close();
  });

  const serve = (parts: ConfigParts = {}) =>
    gateway.serve({ routes: [{ policies: withKeys(clients) }], ...parts }, [backend.port]);
  const open = (client: string) => Live.open(gateway, backend, { client });
  const trace = (query: string) => opened(gateway, query);
  const refused = (query: string): string => {
    const answer = ask(gateway, query);
    return "open" in answer ? "a stream" : `${answer.status} ${String(answer.body).trim()}`;
  };
  const sessionOf = (client: string) => {
    const [proxy] = gateway.gateway.proxies as [ServedProxy];
    return [...proxy.sessions].find(({ identity }) => identity.client === client)?.id ?? "none";
  };
  const say = async (live: Live, word: string) => {
    const before = live.frames("fromClient").length;
    live.client.send(text(word, true));
    await live.arrived("fromClient", before + 1);
  };

  test("a trace of a client has its sessions, those that open meanwhile too, and those of no other", async () => {
    await serve();
    const [first, other] = [await open("alice"), await open("bob")];
    const sink = trace("client=alice");
    expect(sink.events).toEqual([
      { name: "watching", event: { at: expect.any(String), proxies: ["test/proxy"], payload: false } },
    ]);
    const second = await open("alice");
    await say(first, "one");
    await say(other, "not shown");
    await say(second, "three");
    second.backend.send(text("answer"));
    await second.arrived("fromBackend", 1);
    await sink.next("frame", 3);
    expect(sink.of("frame").map(({ direction, size, verdict }) => [direction, size, verdict])).toEqual([
      ["fromClient", 3, "forwarded"],
      ["fromClient", 5, "forwarded"],
      ["fromBackend", 6, "forwarded"],
    ]);
    expect(new Set(sink.of("frame").map(({ session }) => session)).size).toBe(2);
    sink.leave();
    await say(first, "after");
    expect(sink.of("frame")).toHaveLength(3);
  });

  test("a trace of a session ends with the session", async () => {
    await serve();
    const live = await open("alice");
    const sink = trace(`session=${sessionOf("alice")}`);
    live.client.send(close(1000, "", true));
    await until("the backend is told", () => live.backend.told);
    live.backend.send(close(1000));
    live.client.socket.end();
    live.backend.socket.end();
    await until("the end", () => sink.ended);
    expect(sink.of("frame")).toMatchObject([
      { opcode: 8, direction: "fromClient" },
      { opcode: 8, direction: "fromBackend" },
    ]);
  });

  test("what stands behind the handshake of a session that opens is in the trace", async () => {
    await serve();
    const sink = trace("client=alice&seconds=600");
    const live = await open("alice");
    await say(live, "at once");
    expect(await sink.next("frame")).toMatchObject({ size: 7 });
  });

  test("two traces of one session see the same frames, each with its payload", async () => {
    await serve({ payload: "Allowed" });
    const live = await open("alice");
    const [bare, full] = [trace("client=alice"), trace("client=alice&payload=5")];
    await say(live, "hello world");
    bare.leave();
    await say(live, "again");
    await full.next("frame", 2);
    expect(bare.of("frame").map(({ payload }) => payload)).toEqual([undefined]);
    expect(full.of("frame").map(({ payload }) => payload)).toEqual(["hello", "again"]);
  });

  describe("payload", () => {
    test("is shown where the config allows it, without credentials, and is one line of the log", async () => {
      await serve({ payload: "Allowed", access: "None" });
      const live = await open("alice");
      const before = gateway.lines.length;
      const sink = trace("client=alice&payload=256&seconds=30");
      expect(sink.of("watching")).toMatchObject([{ payload: true }]);
      await say(live, '{"token":"hunter2","say":"<img onerror>\u202e\u009b31m"}');
      live.backend.send(frame({ opcode: 2, payload: "password=hunter2&a=b" }));
      await live.arrived("fromBackend", 1);
      await sink.next("frame", 2);
      const [up, down] = sink.of("frame");
      expect(up?.["payload"]).toBe('{"token":"***","say":"<img onerror>\u202e\u009b31m"}');
      expect(Buffer.from(String(down?.["payload"]), "base64").toString()).toBe("password=***&a=b");
      expect(sink.text).not.toContain("hunter2");
      expect(sink.text).not.toMatch(/[\u202e\u009b]/);
      expect(gateway.lines.slice(before)).toEqual([
        {
          level: "warn",
          message: "payload of frames is shown at the admin port",
          fields: { proxy: "test/proxy", event: "PayloadTraced", client: "alice", seconds: 30, payload: 256 },
        },
      ]);
    });

    test("is refused where the config does not say so", async () => {
      await serve();
      await open("alice");
      expect(refused("client=alice&payload=1")).toMatch(/^403 .*dataplane\.debug\.payload/);
      await serve({ payload: "Never" });
      expect(refused("client=alice&payload=1")).toMatch(/^403 .*dataplane\.debug\.payload/);
      expect(gateway.logged).not.toContain("PayloadTraced");
      expect(refused("client=alice&payload=0")).toBe("a stream");
    });

    test("ends when the config says Never, or is gone; other traces stay", async () => {
      for (const change of [() => serve({ payload: "Never" }), () => gateway.gateway.removeConfig("test/proxy")]) {
        await serve({ payload: "Allowed" });
        const [bare, full] = [trace("client=alice"), trace("client=alice&payload=10")];
        await serve({ payload: "Allowed", maxConnections: 7 });
        expect(full.ended).toBe(false);
        await change();
        expect([bare.ended, full.ended]).toEqual([false, true]);
        expect(full.text).toContain("dataplane.debug.payload");
        bare.leave();
      }
    });
  });

  test("a query that is wrong, and one that means nothing here, are refused with a sentence", async () => {
    await serve();
    expect(refused("")).toContain("400 ");
    expect(refused("session=none")).toBe("404 no such session is open here");
    expect(refused("client=alice&proxy=test/other")).toBe("404 no such proxy is served here");
    expect(refused("client=carol")).toBe("a stream");
  });

  test("five streams have a place, and one that ends gives it back", async () => {
    await serve();
    const sinks = Array.from({ length: DEBUG.watchers }, () => trace("client=alice"));
    expect(refused("client=alice")).toMatch(/^503 5 streams/);
    sinks[0]?.leave();
    expect(refused("client=alice")).toBe("a stream");
    for (const sink of sinks) sink.leave();
  });
});

describe("over time", () => {
  test("a trace ends when its seconds are over, shows signs of life, and says what it left out", async () => {
    const clock = new FakeClock();
    const backend = await new RawBackend().open();
    const gateway = new TestGateway(clock);
    await gateway.serve({ routes: [{ policies: withKeys(clients) }] }, [backend.port]);
    const live = await Live.open(gateway, backend, { client: "alice" });
    const sink = opened(gateway, "client=alice&seconds=40");
    const count = DEBUG.frames.perSecond + 500;
    live.client.send(...Array.from({ length: count }, () => text("x", true)));
    await live.arrived("fromClient", count);
    clock.advance(100);
    expect(sink.of("frame")).toHaveLength(DEBUG.frames.perSecond);
    clock.advance(900);
    expect(sink.of("leftOut")).toMatchObject([{ frames: 500 }]);
    clock.advance(1000);
    expect(sink.of("leftOut")).toHaveLength(1);
    clock.advance(DEBUG.heartbeat * 2);
    expect(sink.beats).toBe(2);
    expect(sink.ended).toBe(false);
    clock.advance(10_000);
    expect(sink.ended).toBe(true);
    await gateway.close();
    await backend.close();
  });

  test("a trace that has been open longest gives its place to a new stream after a minute, and shows no frame any more", async () => {
    const clock = new FakeClock();
    const backend = await new RawBackend().open();
    const gateway = new TestGateway(clock);
    await gateway.serve({ routes: [{ policies: withKeys(clients) }] }, [backend.port]);
    const live = await Live.open(gateway, backend, { client: "alice" });
    const sink = opened(gateway, "client=alice&seconds=600");
    const others = Array.from({ length: DEBUG.watchers - 1 }, () => reading(gateway.gateway));
    clock.advance(DEBUG.stays);
    const late = reading(gateway.gateway);
    expect([sink.ended, ...[...others, late].map(({ ended }) => ended)]).toEqual([
      true,
      ...others.map(() => false),
      false,
    ]);
    expect(sink.text).toMatch(/\n\n: a new stream has the place of this one, which was open longest\n\n$/);
    live.client.send(text("x", true));
    await live.arrived("fromClient", 1);
    clock.advance(1000);
    expect(sink.of("frame")).toEqual([]);
    expect(gateway.gateway.watching.places).toBe(DEBUG.watchers);
    await gateway.close();
    await backend.close();
  });

  test("the lives of sessions are told to what watches, those that were open before too", async () => {
    const backend = await new RawBackend().open();
    const gateway = new TestGateway();
    await gateway.serve({ routes: [{ policies: withKeys(clients) }] }, [backend.port]);
    const live = await Live.open(gateway, backend, { client: "alice" });
    const reader = reading(gateway.gateway, "client=alice");
    live.client.send(close(4001, "", true));
    const from = { proxy: "test/proxy", route: "main", client: "alice", address: "127.0.0.1" };
    expect(await reader.next("timeline")).toMatchObject({
      ...from,
      ...{ what: "closeReceived", direction: "fromClient", code: 4001 },
    });
    reader.leave();
    await gateway.close();
    await backend.close();
  });
});
