import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

/** Tasks that the test ends; `begun` names them in the order in which they began. */
class Tasks {
  readonly begun: number[] = [];
  readonly #ends: PromiseWithResolvers<number>[] = [];

  task(n: number): () => Promise<number> {
    this.#ends[n] = Promise.withResolvers();
    return () => {
      this.begun.push(n);
      return (this.#ends[n] as PromiseWithResolvers<number>).promise;
    };
  }

  end(n: number): void {
    this.#ends[n]?.resolve(n);
  }

  fail(n: number): void {
    this.#ends[n]?.reject(new Error("failed"));
  }
}

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("no more tasks run than there are turns, the others in their order, and each gives its outcome", async () => {
  const [turns, tasks] = [new Turns(2), new Tasks()];
  const all = [0, 1, 2, 3].map((n) => turns.take(tasks.task(n)));
  expect(tasks.begun).toEqual([0, 1]);
  tasks.end(1);
  await later();
  expect(tasks.begun).toEqual([0, 1, 2]);
  for (const n of [0, 2, 3]) tasks.end(n);
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
});

test("a task that fails gives its turn back", async () => {
  const [turns, tasks] = [new Turns(1), new Tasks()];
  const [first, second] = [turns.take(tasks.task(0)), turns.take(tasks.task(1))];
  tasks.fail(0);
  await expect(first).rejects.toThrow("failed");
  tasks.end(1);
  expect(await second).toBe(1);
  const third = turns.take(tasks.task(2));
  expect(tasks.begun).toEqual([0, 1, 2]);
  tasks.end(2);
  await third;
});
