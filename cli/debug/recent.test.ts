import { expect, test } from "vitest";
import { recent } from "./recent.ts";

test("an answer is shared while it is made and for its time, a failure too", async () => {
  let now = 0;
  const made: PromiseWithResolvers<number>[] = [];
  const ask = recent(
    10,
    () => {
      const one = Promise.withResolvers<number>();
      made.push(one);
      return one.promise;
    },
    () => now,
  );
  const first = [ask(), ask()];
  now = 100;
  first.push(ask());
  made[0]?.resolve(1);
  expect(await Promise.all(first)).toEqual([1, 1, 1]);
  now = 109;
  expect(await ask()).toBe(1);
  now = 110;
  const next = ask();
  made[1]?.reject(new Error("no"));
  await expect(next).rejects.toThrow("no");
  await expect(ask()).rejects.toThrow("no");
  now = 120;
  const last = ask();
  made[2]?.resolve(3);
  expect(await last).toBe(3);
  expect(made).toHaveLength(3);
});
