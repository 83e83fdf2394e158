import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { unlimited } from "../../test/fakes/tunnel.ts";
import { BufferBudget } from "../process/buffer-budget.ts";
import { Pressure } from "./pressure.ts";

function bench(maxBuffered: number, limit?: number, ahead = 0) {
  const clock = new FakeClock();
  const budget = limit === undefined ? unlimited(clock) : new BufferBudget({ limit, clock });
  const heard: string[] = [];
  const events = {
    eased: () => void heard.push("eased"),
    stuck: () => void heard.push("stuck"),
    taken: () => void heard.push("taken"),
    shed: () => void heard.push("shed"),
  };
  const handle = { bytesWritten: 0, writeQueueSize: 0 };
  const socket = { writableLength: 0, _handle: handle };
  const pressure = new Pressure(
    socket as unknown as Socket,
    { maxBuffered, timeout: 8000 },
    { clock, budget, ahead },
    events,
  );
  return {
    ...{ socket, clock, heard, pressure, budget },
    /** A write that the kernel does not take. */
    write(bytes: number): void {
      pressure.writing();
      socket.writableLength += bytes;
      handle.bytesWritten += bytes;
      handle.writeQueueSize += bytes;
    },
    /** The kernel takes so much of the write that is under way. */
    take(bytes: number): void {
      handle.writeQueueSize -= bytes;
    },
    /** A write of so many bytes is complete. */
    complete(bytes: number): void {
      socket.writableLength -= bytes;
      pressure.written();
    },
  };
}

test("pressure is on above the mark, and off at half of it", () => {
  const { heard, pressure, write, complete } = bench(100_000);
  write(49_000);
  write(49_000);
  expect(pressure.check()).toBe(false);
  write(2000);
  expect(pressure.check()).toBe(true);
  complete(49_000);
  expect(heard).toEqual([]);
  expect(pressure.on).toBe(true);
  complete(2000);
  expect(heard).toEqual(["eased"]);
  expect(pressure.on).toBe(false);
});

test("many small writes that wait count with what each of them costs", () => {
  const { socket, heard, pressure, write, complete } = bench(50_000);
  for (let n = 1; n <= 200; n += 1) write(7);
  expect(pressure.check()).toBe(true);
  while (heard.length === 0) complete(7);
  expect(socket.writableLength).toBeGreaterThan(0);
});

test("writes that were taken at once cost nothing, however many they are", () => {
  const { pressure, budget } = bench(50_000);
  for (let n = 0; n < 10_000; n += 1) pressure.writing();
  expect(pressure.check()).toBe(false);
  expect(budget.used).toBe(0);
});

describe("a receiver that is above the mark", () => {
  const TENTH = 100_000;

  test.each([
    ["takes nothing", 0, "stuck"],
    ["takes a byte now and then", 1, "stuck"],
    ["takes just less than a tenth of the mark", TENTH / 8 - 1, "stuck"],
    ["takes just a tenth of the mark", TENTH / 8, "lives"],
  ])("and %s within the time-out", (_what, each, outcome) => {
    const { clock, heard, pressure, write, take } = bench(1_000_000);
    write(8_000_000);
    pressure.check();
    for (let step = 0; step < 8 * 20; step += 1) {
      take(each);
      clock.advance(1000);
    }
    expect(heard).toEqual(outcome === "stuck" ? ["stuck"] : []);
    if (outcome === "stuck") expect(clock.pending).toBe(1);
  });

  test("has the whole time-out, and no more", () => {
    const { clock, heard, pressure, write } = bench(1_000_000);
    write(1_100_000);
    pressure.check();
    clock.advance(7999);
    expect(heard).toEqual([]);
    clock.advance(1);
    expect(heard).toEqual(["stuck"]);
  });

  test("owes a tenth of what waits where many small writes make up the mark", () => {
    const { clock, heard, pressure, write, take } = bench(1_000_000);
    for (let n = 0; n < 2000; n += 1) write(10);
    expect(pressure.check()).toBe(true);
    for (let time = 0; time < 5; time += 1) {
      take(2000);
      clock.advance(8000);
    }
    expect(heard).toEqual([]);
    take(1999);
    clock.advance(8000);
    expect(heard).toEqual(["stuck"]);
  });

  test("owes a tenth of one read where the mark is smaller than that", () => {
    const { clock, heard, pressure, write, take } = bench(1000);
    write(65_536);
    pressure.check();
    take(6553);
    clock.advance(8000);
    expect(heard).toEqual(["stuck"]);
  });

  test("that catches up and falls behind again has its time anew", () => {
    const { clock, heard, pressure, write, take, complete } = bench(1_000_000);
    write(1_100_000);
    pressure.check();
    clock.advance(7000);
    take(1_100_000);
    complete(1_100_000);
    expect(heard).toEqual(["eased"]);
    write(1_100_000);
    pressure.check();
    clock.advance(7000);
    expect(heard).toEqual(["eased"]);
    clock.advance(1000);
    expect(heard).toEqual(["eased", "stuck"]);
  });

  test("goes on where the mark is raised to twice of what waits, and its debt with it", () => {
    const { clock, heard, pressure, write } = bench(1_000_000);
    write(1_100_000);
    pressure.check();
    pressure.apply({ maxBuffered: 2_300_000, timeout: 8000 });
    expect(heard).toEqual(["eased"]);
    clock.advance(8000);
    expect(heard).toEqual(["eased"]);
  });

  test("has the time-out that is in force when it is over", () => {
    const { clock, heard, pressure, write } = bench(1_000_000);
    write(1_100_000);
    pressure.check();
    clock.advance(7000);
    pressure.apply({ maxBuffered: 1_000_000, timeout: 16_000 });
    clock.advance(8000);
    expect(heard).toEqual([]);
    clock.advance(2000);
    expect(heard).toEqual(["stuck"]);
  });
});

describe("a receiver that is below the mark", () => {
  test("has ten time-outs for a tenth of what waits", () => {
    const { clock, heard, pressure, write, take } = bench(1_000_000);
    write(500_000);
    expect(pressure.check()).toBe(false);
    clock.advance(79_000);
    take(50_000);
    clock.advance(80_000);
    expect(heard).toEqual([]);
    clock.advance(3000);
    expect(heard).toEqual(["stuck"]);
  });

  test("is not looked at once it has taken everything", () => {
    const { clock, heard, pressure, write, take, complete } = bench(1_000_000);
    for (let time = 0; time < 100; time += 1) {
      write(500_000);
      pressure.check();
      clock.advance(5000);
      take(500_000);
      complete(500_000);
      clock.advance(1000);
    }
    expect(heard).toEqual([]);
    clock.advance(1000);
    expect(clock.pending).toBe(0);
  });
});

describe("the budget", () => {
  test("counts what waits, each write with what it costs, and the buffer that the first one holds", () => {
    const { pressure, budget, write, complete } = bench(1_000_000);
    write(100_000);
    write(1);
    pressure.check();
    expect(budget.used).toBe(100_001 + 2 * 512 + 65_536);
    complete(100_000);
    expect(budget.used).toBe(1 + 512 + 65_536);
    complete(1);
    expect(budget.used).toBe(0);
  });

  test("counts what the socket of a sender that is paused may read all the same", () => {
    const { pressure, budget, write, complete } = bench(100_000, undefined, 65_536);
    write(90_000);
    pressure.check();
    expect(budget.used).toBe(90_000 + 512 + 65_536);
    write(10_000);
    pressure.check();
    expect(budget.used).toBe(100_000 + 2 * 512 + 2 * 65_536);
    complete(90_000);
    expect(budget.used).toBe(10_000 + 512 + 65_536);
  });

  test("counts what is held back beside", () => {
    const { pressure, budget } = bench(1_000_000);
    pressure.holding(5000);
    expect(budget.used).toBe(5000);
    pressure.holding(0);
    expect(budget.used).toBe(0);
  });

  test("counts nothing of a receiver that is gone, whatever its writes say later", () => {
    const { pressure, budget, write, complete } = bench(1_000_000);
    write(100_000);
    write(100_000);
    pressure.check();
    pressure.release();
    expect(budget.used).toBe(0);
    complete(100_000);
    pressure.holding(10);
    expect(budget.used).toBe(0);
  });

  test("makes the mark lower while it is tight", () => {
    const { heard, pressure, write, complete } = bench(1_000_000, 1_000_000);
    write(600_000);
    expect(pressure.check()).toBe(false);
    write(100_000);
    expect(pressure.check()).toBe(true);
    complete(100_000);
    expect(heard).toEqual([]);
    complete(600_000);
    expect(heard).toEqual(["eased"]);
  });
});
