import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { unlimited } from "../../test/fakes/tunnel.ts";
import { Outlet } from "./outlet.ts";

function bench() {
  const clock = new FakeClock();
  const did: string[] = [];
  const socket = {
    writable: true,
    writableLength: 0,
    write: (bytes: Buffer) => void did.push(bytes.toString()),
    end: () => {
      socket.writable = false;
      did.push("end");
    },
  };
  const events = {
    eased() {},
    stuck() {},
    taken() {},
    shed() {},
    closeSent() {},
    discard: () => void did.push("discard"),
  };
  const context = { clock, budget: unlimited(clock), ahead: 0 };
  const settings = { maxBuffered: 1_000_000, timeout: 30_000 };
  const outlet = new Outlet(socket as unknown as Socket, settings, context, events);
  return { clock, outlet, did };
}

const PING = Buffer.from("ping");
const CLOSE = Buffer.from("close");

test("a frame of ours goes out at once, or at the end of the frame that is on its way", () => {
  const { outlet, did } = bench();
  outlet.inject(PING, false);
  outlet.inject(PING, true);
  expect([did, outlet.waiting, outlet.injecting]).toEqual([["ping"], true, true]);
  expect(outlet.frameEnded()).toBe(true);
  expect([did, outlet.waiting, outlet.injecting]).toEqual([["ping", "ping"], false, false]);
});

test("the end takes the place of a frame of ours that waits, and comes once", () => {
  const { clock, outlet, did } = bench();
  outlet.inject(PING, true);
  outlet.finishBehindFrame(CLOSE);
  outlet.finish(undefined);
  outlet.inject(PING, false);
  expect(did).toEqual([]);
  expect(outlet.frameEnded()).toBe(false);
  expect(did).toEqual(["close", "discard"]);
  outlet.finish(CLOSE);
  outlet.finishBehindFrame(CLOSE);
  clock.advance(10_000);
  expect(outlet.frameEnded()).toBe(false);
  expect(did).toHaveLength(2);
  expect(clock.pending).toBe(0);
});

test("a Close frame of ours leaves the socket open until it is told to hang up", () => {
  const { outlet, did } = bench();
  outlet.finish(CLOSE);
  expect(did).toEqual(["close", "discard"]);
  outlet.finish(undefined);
  outlet.finishBehindFrame(undefined);
  expect(did).toHaveLength(2);
  outlet.hangUp();
  outlet.hangUp();
  outlet.hangUpBehindLast();
  expect(did).toEqual(["close", "discard", "end"]);
});

test.each([
  ["waits for the end of a frame", (outlet: Outlet) => outlet.finishBehindFrame(CLOSE)],
  ["is not due yet", () => {}],
])("a receiver that is to be hung up on gets FIN right behind a Close frame that %s", (_what, before) => {
  const { outlet, did } = bench();
  before(outlet);
  outlet.hangUpBehindLast();
  expect(did).toEqual([]);
  outlet.finish(CLOSE);
  outlet.frameEnded();
  expect(did).toEqual(["close", "end", "discard"]);
});

test("a receiver that is to be hung up on at once gets no Close frame within a frame", () => {
  const { clock, outlet, did } = bench();
  outlet.finishBehindFrame(CLOSE);
  outlet.hangUp();
  expect(did).toEqual(["end", "discard"]);
  expect(clock.pending).toBe(0);
});

test("a frame that does not end in a second is cut, with FIN and no Close frame", () => {
  const { clock, outlet, did } = bench();
  outlet.finishBehindFrame(CLOSE);
  clock.advance(999);
  expect(did).toEqual([]);
  clock.advance(1);
  expect(did).toEqual(["end", "discard"]);
});

test("an outlet that was stopped finishes nothing and leaves no timer", () => {
  const { clock, outlet, did } = bench();
  outlet.finishBehindFrame(CLOSE);
  outlet.stop();
  expect(clock.pending).toBe(0);
  outlet.finish(CLOSE);
  expect(did).toEqual([]);
});
