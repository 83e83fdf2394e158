import type { LookupFunction } from "node:net";
import { expect, test } from "vitest";
import { OneLookup } from "./one-lookup.ts";

function scene() {
  const asked: { host: string; answer: () => void }[] = [];
  const system: LookupFunction = (host, _options, answered) =>
    void asked.push({ host, answer: () => answered(null, "10.0.0.1", 4) });
  const told: string[] = [];
  const { lookup } = new OneLookup(system);
  const dial = (name: string, host = "valkey"): void =>
    lookup(host, {}, (error, address) => void told.push(`${name} ${error?.code ?? (address as string)}`));
  return { asked, told, dial };
}

test("a name that is being looked up is not asked for again, and the newest dial gets the answer", () => {
  const { asked, told, dial } = scene();
  dial("first");
  dial("second");
  dial("third");
  expect(asked.length).toBe(1);
  asked[0]?.answer();
  expect(told).toEqual(["third 10.0.0.1"]);
  dial("fourth");
  expect(asked.length).toBe(2);
  asked[1]?.answer();
  expect(told[1]).toBe("fourth 10.0.0.1");
});

test("of a third name at a time nothing is asked", async () => {
  const { asked, told, dial } = scene();
  dial("one", "a");
  dial("two", "b");
  dial("three", "c");
  await new Promise((resolve) => setImmediate(resolve));
  expect([asked.map(({ host }) => host), told]).toEqual([["a", "b"], ["three EAI_AGAIN"]]);
});
