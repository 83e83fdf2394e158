import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { FakeClock } from "../fakes/clock.ts";
import { close, frame, text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live, type From, type ClientParts } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let clock: FakeClock;

beforeEach(async () => {
  clock = new FakeClock();
  backend = await new RawBackend().open();
  gateway = new TestGateway(clock);
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

const other = (from: From): From => (from === "fromClient" ? "fromBackend" : "fromClient");

/** Two routes with the same policies, inherited. */
async function serve(policies: object): Promise<void> {
  const routes = ["one", "two"].map((name) => ({
    name,
    path: { type: "Prefix" as const, value: `/${name}` },
    policies: { ...withKeys(["alice", "bob"]), keepalive: { interval: "0s" }, ...policies },
    ownPolicies: [],
  }));
  await gateway.serve({ routes, trustedProxies: ["127.0.0.1"] }, [backend.port]);
}

const alice = { client: "alice", address: "192.0.2.1", target: "/one" };
const open = (parts: ClientParts = {}): Promise<Live> => Live.open(gateway, backend, { ...alice, ...parts });

/** Messages of one byte each: so many messages are so many bytes. */
function send(live: Live, from: From, letters: string): void {
  live.sender(from).send(...[...letters].map((letter) => text(letter, from === "fromClient")));
}

/** A limit of 3 in 3 s in one direction. */
const limited = (kind: string, from: From, per: string, onExceed = "Close"): object => ({
  [kind]: { [other(from)]: [], [from]: [{ per, limit: 3, interval: "3s", onExceed }] },
});

const kinds = [
  ["messages", "MessageRate"],
  ["bytes", "ByteRate"],
] as const;
const froms = ["fromClient", "fromBackend"] as const;
const pers: readonly (readonly [string, same: ClientParts | undefined, others: ClientParts | undefined])[] = [
  ["Connection", undefined, {}],
  ["Client", { address: "192.0.2.9", target: "/two" }, { client: "bob" }],
  ["IP", { client: "bob", target: "/two" }, { address: "192.0.2.9" }],
  ["Route", { client: "bob", address: "192.0.2.9" }, { target: "/two" }],
  ["Proxy", { client: "bob", address: "192.0.2.9", target: "/two" }, undefined],
];
const rows = kinds.flatMap(([kind, reason]) =>
  froms.flatMap((from) => pers.map(([per, same, others]) => ({ kind, reason, from, per, same, others }))),
);

test.each(rows)("$kind $from per $per: the limit, one more, and the exact refill", async (row) => {
  const { kind, reason, from, per, same, others } = row;
  await serve(limited(kind, from, per));
  const live = await open();
  send(live, from, "ab");
  await live.arrived(from, 2);
  send(live, from, "c");
  await live.arrived(from, 3);
  clock.advance(1000);
  send(live, from, "d");
  await live.arrived(from, 4);
  clock.advance(999);
  send(live, from, "e");
  const told = `1008 ${reason}; retry-after=1`;
  expect(await live.ended()).toEqual({ toClient: told, toBackend: told });
  expect(live.texts(from)).toEqual(["a", "b", "c", "d"]);
  expect(await gateway.metric("limit_hits_total", { policy: kind, per, action: "Close", enforcement: "Enforce" })).toBe(
    1,
  );
  if (same !== undefined) {
    const sharing = await open(same);
    send(sharing, from, "x");
    expect((await sharing.ended()).toClient).toBe(told);
  }
  if (others !== undefined) {
    const apart = await open(others);
    send(apart, from, "xyz");
    await apart.arrived(from, 3);
    await apart.lives();
  }
});

test.each(rows)("F15 $kind $from per $per: the wall clock stepped back and forth gives nothing", async (row) => {
  await serve(limited(row.kind, row.from, row.per));
  const live = await open();
  send(live, row.from, "abc");
  await live.arrived(row.from, 3);
  clock.stepWall(-86_400_000);
  clock.stepWall(172_800_000);
  send(live, row.from, "d");
  expect((await live.ended()).toClient).toBe(`1008 ${row.reason}; retry-after=1`);
});

test.each(kinds)("the limit on %s of one direction leaves the other alone", async (kind) => {
  await serve(limited(kind, "fromClient", "Connection"));
  const live = await open();
  send(live, "fromBackend", "abcdefgh");
  await live.arrived("fromBackend", 8);
  send(live, "fromClient", "abc");
  await live.arrived("fromClient", 3);
  await live.lives();
});

describe.each(froms)("%s", (from) => {
  const mask = from === "fromClient";

  test("Drop takes a message out with all its fragments, and lets control frames between them pass", async () => {
    await serve(limited("messages", from, "Client", "Drop"));
    const live = await open();
    send(live, from, "abc");
    live
      .sender(from)
      .send(
        frame({ fin: false, mask, payload: "gone" }),
        frame({ opcode: 9, mask, payload: "ping" }),
        frame({ opcode: 0, fin: false, mask, payload: "gone" }),
        frame({ opcode: 10, mask, payload: "pong" }),
        frame({ opcode: 0, mask, payload: "gone" }),
      );
    await live.arrived(from, 5);
    clock.advance(1000);
    send(live, from, "d");
    await live.arrived(from, 6);
    expect(live.texts(from)).toEqual(["a", "b", "c", "ping", "pong", "d"]);
    expect(await gateway.metric("limit_hits_total", { action: "Drop" })).toBe(1);
    expect(await gateway.metric("messages_total")).toBe(4);
    expect(await gateway.metric("bytes_total")).toBe(4);
  });

  test("Drop drops the whole of a message of which only the end comes after the refill", async () => {
    await serve(limited("messages", from, "Client", "Drop"));
    const live = await open();
    send(live, from, "abc");
    live.sender(from).send(frame({ fin: false, mask, payload: "gone" }), frame({ opcode: 9, mask, payload: "1" }));
    await live.arrived(from, 4);
    clock.advance(60_000);
    live.sender(from).send(frame({ opcode: 0, mask, payload: "gone" }), text("d", mask));
    await live.arrived(from, 5);
    expect(live.texts(from)).toEqual(["a", "b", "c", "1", "d"]);
  });

  test.each(kinds)("Delay of %s holds back, intact and in order, and not the other direction", async (kind) => {
    await serve(limited(kind, from, "Client", "Delay"));
    const live = await open();
    send(live, from, "abcd");
    if (kind === "bytes") await live.arrived(from, 4);
    else await live.arrived(from, 3);
    await until("it waits", async () => (await gateway.metric("paused_connections")) === 1);
    live.sender(from).send(frame({ fin: false, mask, payload: "1" }), frame({ opcode: 0, mask, payload: "23" }));
    send(live, other(from), "uvwxyz");
    await live.arrived(other(from), 6);
    const first = kind === "bytes" ? ["a", "b", "c", "d"] : ["a", "b", "c"];
    expect(live.texts(from)).toEqual(first);
    clock.advance(999);
    await live.arrived(other(from), 6);
    expect(live.texts(from)).toEqual(first);
    await until("all of it came", () => {
      clock.advance(500);
      return live.texts(from).includes("23");
    });
    expect(live.texts(from)).toEqual(["a", "b", "c", "d", "1", "23"]);
    expect(live.texts(other(from))).toEqual(["u", "v", "w", "x", "y", "z"]);
    expect(await gateway.metric("limit_hits_total", { action: "Delay" })).toBeGreaterThanOrEqual(1);
  });

  test("a Close of the other end passes while messages are delayed, and both connections end", async () => {
    const hour = [{ per: "Connection", limit: 1, interval: "1h", onExceed: "Delay" }];
    await serve({ messages: { [other(from)]: [], [from]: hour } });
    const live = await open();
    send(live, from, "ab");
    await until("it waits", async () => (await gateway.metric("paused_connections")) === 1);
    live.sender(other(from)).send(close(4000, "enough", !mask));
    await live.arrived(other(from), 1);
    live.sender(from).send(close(4000, "", mask));
    await until("it ended", async () => {
      clock.advance(1000);
      return gateway.sessions === 0;
    });
    expect(live.frames(other(from)).map(({ opcode }) => opcode)).toEqual([8]);
  });

  test.each(kinds)("Shadow of %s lets all pass, and counts each that would not have passed", async (kind, reason) => {
    await serve({ ...limited(kind, from, "Client"), enforcement: "Shadow" });
    const live = await open();
    send(live, from, "abcdefg");
    await live.arrived(from, 7);
    await live.lives();
    expect(await gateway.metric("limit_hits_total", { policy: kind, per: "Client", enforcement: "Shadow" })).toBe(4);
    expect(await gateway.metric("limit_hits_total", { enforcement: "Enforce" })).toBe(0);
    expect(gateway.lines.filter(({ message }) => message === "limit exceeded")).toHaveLength(1);
    expect(gateway.logged).not.toContain(reason);
  });

  test.each([
    [{ [from]: 10 }, "1009 MessageTooBig", [9, 10], 11],
    [{ [from]: 0 }, undefined, [100_000], 0],
  ])("message size %j: %s", async (messageSize, told, pass, fail) => {
    await serve({ messageSize });
    const live = await open();
    for (const size of pass) live.sender(from).send(frame({ opcode: 2, mask, payload: Buffer.alloc(size) }));
    await live.arrived(from, pass.length);
    if (told === undefined) return live.lives();
    const half = Buffer.alloc(fail - 5);
    live.sender(from).send(frame({ opcode: 2, fin: false, mask, payload: half }));
    await live.arrived(from, pass.length + 1);
    live.sender(from).send(frame({ opcode: 0, mask, payload: Buffer.alloc(5) }));
    expect(await live.ended()).toEqual({ toClient: told, toBackend: told });
    expect(live.frames(from).filter(({ opcode }) => opcode !== 8)).toHaveLength(pass.length + 1);
  });

  test("so many fragments pass, one more ends the session; each message counts its own", async () => {
    await serve({ messageSize: { maxFragments: 3 } });
    const live = await open();
    const next = frame({ opcode: 0, fin: false, mask });
    const [first, last] = [frame({ fin: false, mask }), frame({ opcode: 0, mask })];
    live.sender(from).send(first, last, first, next, last, first, next, next);
    await live.arrived(from, 8);
    await live.lives();
    live.sender(from).send(last);
    const told = "1008 TooManyFragments";
    expect(await live.ended()).toEqual({ toClient: told, toBackend: told });
  });
});
