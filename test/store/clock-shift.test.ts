import { expect, test } from "vitest";
import { CLOCK_LACKS, ShiftedClock } from "./clock-shift.ts";
import { STORE_LACKS, StoreServer } from "./server.ts";
import { until } from "../fakes/sockets.ts";

test.skipIf(STORE_LACKS !== undefined || CLOCK_LACKS !== undefined)(
  "a store's clock can be stepped both ways, and its keys end by it",
  async () => {
    const clock = new ShiftedClock();
    const store = await StoreServer.start([], clock.program);
    const off = async (): Promise<number> => {
      const [seconds] = (await store.ask("TIME")) as [string];
      return Math.round((Number(seconds) * 1000 - Date.now()) / 10_000) * 10 + 0;
    };
    expect(await off()).toBe(0);
    clock.step(-60_000);
    expect(await off()).toBe(-60);
    await store.ask("SET", "key", "value", "PX", "50000");
    clock.step(100_000);
    expect(await off()).toBe(40);
    await until("the key has ended", async () => (await store.ask("DBSIZE")) === 0);
    await store.close();
    clock.close();
  },
);
