import { expect, test } from "vitest";
import { FakeClock } from "../../../test/fakes/clock.ts";
import { Handshakes } from "./handshakes.ts";

test("begin 128 at once and then 100 a second, one of each address in turn", () => {
  const clock = new FakeClock();
  const begun: string[] = [];
  const handshakes = new Handshakes<string>(clock, (socket) => begun.push(socket));
  for (let n = 0; n < 500; n += 1) handshakes.enter("flood", `flood ${n}`);
  expect(begun.length).toBe(128);
  handshakes.enter("api", "api 1");
  handshakes.enter("api", "api 2");
  clock.advance(40);
  expect(begun.slice(128).map((socket) => socket.split(" ")[0])).toEqual(["flood", "api", "flood", "api"]);
  clock.advance(960);
  expect(begun.length).toBe(228);
});

test("of one address the newest is first, and those that left take no turn", () => {
  const clock = new FakeClock();
  const begun: string[] = [];
  const handshakes = new Handshakes<string>(clock, (socket) => begun.push(socket));
  for (let n = 0; n < 128; n += 1) handshakes.enter("a", "first");
  for (const socket of ["old", "new", "left"]) handshakes.enter("a", socket);
  handshakes.leave("a", "left");
  clock.advance(1000);
  expect(begun.slice(128)).toEqual(["new", "old"]);
});

test("a burst is there again after a quiet time, and no timer runs meanwhile", () => {
  const clock = new FakeClock();
  let begun = 0;
  const handshakes = new Handshakes<number>(clock, () => (begun += 1));
  const burst = (): void => {
    for (let n = 0; n < 128; n += 1) handshakes.enter("a", n);
  };
  burst();
  expect([begun, clock.pending]).toEqual([128, 0]);
  clock.advance(60_000);
  burst();
  expect([begun, clock.pending]).toEqual([256, 0]);
});
