import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { unlimited } from "../../test/fakes/tunnel.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Pressure } from "./pressure.ts";

function bench(maxBuffered: number) {
  const socket = { writableLength: 0 };
  const clock = new FakeClock();
  const heard: string[] = [];
  const events = { eased: () => void heard.push("eased"), stuck: () => void heard.push("stuck"), shed() {} };
  const pressure = new Pressure(socket as Socket, { maxBuffered, timeout: 8000 }, clock, unlimited(clock), events);
  return { socket, clock, heard, pressure };
}

test("it is on above the mark, and off at half of it", () => {
  const { socket, heard, pressure } = bench(100_000);
  for (let n = 0; n < 3; n += 1) pressure.writing();
  socket.writableLength = 98_000;
  expect(pressure.check()).toBe(false);
  socket.writableLength = 99_000;
  expect(pressure.check()).toBe(true);
  socket.writableLength = 51_000;
  pressure.written();
  expect(heard).toEqual([]);
  expect(pressure.on).toBe(true);
  socket.writableLength = 49_000;
  pressure.written();
  expect(heard).toEqual(["eased"]);
  expect(pressure.on).toBe(false);
});

test("many small writes that wait count with what each of them costs", () => {
  const { socket, heard, pressure } = bench(50_000);
  for (let n = 1; n <= 200; n += 1) {
    pressure.writing();
    socket.writableLength = n * 7;
  }
  expect(pressure.check()).toBe(true);
  while (heard.length === 0) {
    pressure.written();
    socket.writableLength -= 7;
  }
  expect(socket.writableLength).toBeGreaterThan(0);
});

test("writes that were taken at once cost nothing, however many they are", () => {
  const { pressure } = bench(50_000);
  for (let n = 0; n < 10_000; n += 1) pressure.writing();
  expect(pressure.check()).toBe(false);
});

test("a receiver that takes nothing is stuck after its time; one that takes a little is not", () => {
  const { socket, clock, heard, pressure } = bench(1000);
  socket.writableLength = 2000;
  pressure.check();
  clock.advance(7000);
  socket.writableLength = 1900;
  clock.advance(7000);
  expect(heard).toEqual([]);
  clock.advance(2000);
  expect(heard).toEqual(["stuck"]);
  expect(clock.pending).toBe(0);
});
