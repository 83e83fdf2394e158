import { describe, expect, test } from "vitest";
import { kubeBench } from "../../test/fakes/kube-bench.ts";
import { keys } from "../../test/fakes/operator-bench.ts";
import { until } from "../../test/fakes/sockets.ts";
import { Contents, type Form, type NeededContent } from "./contents.ts";
import type { Caller } from "../kube/call.ts";
import type { KubeObject } from "../kube/kinds.ts";

const { signal } = new AbortController();

async function bench() {
  const { server, client } = await kubeBench();
  const contents = new Contents(client);
  const put = (key: string): KubeObject => server.put(keys({ alice: key }));
  const read = async (proxy: string, object: KubeObject): Promise<unknown> => {
    const { found } = await contents.read(proxy, [wanted(object)], signal);
    return found.get(object);
  };
  return { server, contents, put, read };
}

/** The value of one entry of a Secret. */
const form: Form<string | undefined> = {
  name: "alice",
  of: (object) => ({ value: (object as { data?: { alice?: string } }).data?.alice, weight: 100 }),
};
const wanted = (object: KubeObject): NeededContent<string | undefined> => ({ kind: "Secret", object, form });

const encoded = (text: string): string => Buffer.from(text).toString("base64");

describe("the data of a Secret", () => {
  test("is read once for each version, however many proxies want it, also at the same time", async () => {
    const { server, put, read } = await bench();
    const first = put("alices-own-key-0001");
    expect(await Promise.all([read("demo/a", first), read("demo/b", first)])).toEqual(
      Array(2).fill(encoded("alices-own-key-0001")),
    );
    expect(await read("demo/a", first)).toBe(encoded("alices-own-key-0001"));
    expect(server.calls).toHaveLength(1);
    const second = put("alices-new-key-0002");
    expect(await read("demo/a", second)).toBe(encoded("alices-new-key-0002"));
    expect(server.calls).toHaveLength(2);
  });

  test("that is newer than the cache knows is used, and not retained as the older version", async () => {
    const { contents, put, read } = await bench();
    const first = put("alices-own-key-0001");
    put("alices-new-key-0002");
    expect(await read("demo/a", first)).toBe(encoded("alices-new-key-0002"));
    expect(contents.size).toBe(0);
  });

  test("that is gone is left out, and a read that failed is tried again", async () => {
    const { server, put, read } = await bench();
    const known = put("alices-own-key-0001");
    server.fail("GET", { status: 401 });
    await expect(read("demo/a", known)).rejects.toMatchObject({ status: 401 });
    server.fail("GET", { status: 500 });
    expect(await read("demo/a", known)).toBeUndefined();
    expect(await read("demo/a", known)).toBe(encoded("alices-own-key-0001"));
    server.delete("Secret", "demo", "keys");
    expect(
      await read("demo/b", { metadata: { name: "keys", namespace: "demo", uid: "x", resourceVersion: "1" } }),
    ).toBeUndefined();
  });

  test("is dropped when no proxy uses it any more", async () => {
    const { contents, put, read } = await bench();
    const known = put("alices-own-key-0001");
    await read("demo/a", known);
    await read("demo/b", known);
    contents.begin("demo/a");
    await read("demo/a", known);
    contents.begin("demo/a");
    contents.begin("demo/a");
    expect(contents.size).toBe(1);
    contents.forget("demo/b");
    expect([contents.size, contents.weight]).toEqual([0, 0]);
  });

  test("that we wrote ourselves is not read back", async () => {
    const { server, contents, put, read } = await bench();
    const known = put("alices-own-key-0001");
    contents.put("demo/a", wanted(known));
    expect(await read("demo/a", known)).toBe(encoded("alices-own-key-0001"));
    expect(server.calls).toEqual([]);
  });
});

test("of one proxy four are read at a time", async () => {
  const asked: (() => void)[] = [];
  const request = <T>(): Promise<T> => new Promise((resolve) => asked.push(() => resolve(keys({}) as T)));
  const contents = new Contents({ request });
  const objects = Array.from({ length: 10 }, (_, at) => ({ metadata: { name: `keys-${at}`, namespace: "demo" } }));
  const reading = contents.read("demo/a", objects.map(wanted), signal);
  expect(asked).toHaveLength(4);
  asked[0]?.();
  await until("the next one is asked for", () => asked.length > 4);
  expect(asked).toHaveLength(5);
  for (let at = 1; at < objects.length; at += 1) {
    await until("it is asked for", () => asked.length > at);
    asked[at]?.();
  }
  expect((await reading).found.size).toBe(10);
});

test("of all that was read 12 MiB are retained, and of one object 384 KiB", () => {
  const contents = new Contents({} as Caller);
  const weighing = (weight: number): Form<number> => ({ name: "weighing", of: () => ({ value: 1, weight }) });
  const put = (at: number, weight: number): void => {
    const object = { metadata: { name: `keys-${at}`, namespace: "demo" } };
    contents.put(`demo/${at}`, { kind: "Secret", object, form: weighing(weight) });
  };
  put(0, 384 * 1024 + 1);
  expect(contents.size).toBe(0);
  for (let at = 1; at <= 40; at += 1) put(at, 384 * 1024);
  expect([contents.size, contents.weight]).toEqual([32, 12 * 1024 * 1024]);
});
