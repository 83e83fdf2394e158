import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

const { signal } = new AbortController();

test("so many callers hold a turn at a time, in the order in which they asked", async () => {
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
  b(); // a second call gives nothing back
  await c;
  expect(order).toEqual(["a", "b", "c"]);
  a();
  await d;
  expect(order).toEqual(["a", "b", "c", "d"]);
});

test("a caller that is aborted while it waits gives way to the next, and no turn is lost", async () => {
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

test("a turn that comes just as its caller is aborted goes to the next caller", async () => {
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
