import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

const { signal } = new AbortController();

test("so many come at a time, in the order in which they asked", async () => {
  const turns = new Turns(2);
  const order: string[] = [];
  const take = async (name: string): Promise<() => void> => {
    const release = await turns.take(signal);
    order.push(name);
    return release;
  };
  const [a, b] = [await take("a"), await take("b")];
  const [c, d] = [take("c"), take("d")];
  await Promise.resolve();
  expect(order).toEqual(["a", "b"]);
  b();
  b(); // given back once, whatever is called
  await c;
  expect(order).toEqual(["a", "b", "c"]);
  a();
  await d;
  expect(order).toEqual(["a", "b", "c", "d"]);
});

test("a call that is aborted while it waits lets the next one go first, and loses no turn", async () => {
  const turns = new Turns(1);
  const release = await turns.take(signal);
  const leaving = new AbortController();
  const gone = turns.take(leaving.signal);
  const next = turns.take(signal);
  leaving.abort(new Error("had enough"));
  await expect(gone).rejects.toThrow("had enough");
  release();
  (await next)();
  (await turns.take(signal))();
});

test("a turn that comes in the moment in which its call is aborted goes on to the next", async () => {
  const turns = new Turns(1);
  const release = await turns.take(signal);
  const leaving = new AbortController();
  const gone = turns.take(leaving.signal).catch(() => "gone");
  const next = turns.take(signal);
  leaving.abort();
  release();
  expect(await gone).toBe("gone");
  (await next)();
  expect(await turns.take(signal)).toBeTypeOf("function");
});
