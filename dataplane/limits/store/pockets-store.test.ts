import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DirectLink } from "../../../test/store/direct-link.ts";
import { StoreServer, STORE_LACKS } from "../../../test/store/server.ts";
import { tooMuchInEachRound } from "../../../test/fakes/rounds.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { systemClock } from "../../../runtime/clock.ts";
import type { SharedBucket } from "../shared-limits.ts";
import type { BucketShape } from "../token-bucket.ts";
import { bucketKey } from "./bucket-key.ts";
import { LEASE } from "./scripts/bucket.ts";
import { Pockets } from "./pockets.ts";

let server: StoreServer;
beforeAll(async () => {
  if (STORE_LACKS === undefined) server = await StoreServer.start();
});
afterAll(() => server?.close());

interface Pod {
  readonly link: DirectLink;
  readonly pockets: Pockets;
  readonly bucket: SharedBucket;
  readonly key: string;
}

let names = 0;
/** Four pods, each with a way of its own to the store, and one subject. */
async function podsOf(shape: BucketShape, count = 4): Promise<Pod[]> {
  const name = `messages fromClient Client proxy\n${(names += 1)}`;
  const links = await Promise.all(Array.from({ length: count }, () => DirectLink.open(server.port)));
  return links.map((link, at) => {
    const pockets = new Pockets({ link: () => link, prefix: "{t/p}:", id: `pod${at}`, clock: systemClock });
    return { link, pockets, bucket: pockets.bucket(name, shape, systemClock.now()), key: bucketKey("{t/p}:", name) };
  });
}
async function closed(pods: readonly Pod[]): Promise<void> {
  await Promise.all(pods.map(({ pockets }) => pockets.close()));
  for (const { link } of pods) link.close();
}

/** When a message passed: between the question and the time at which it was seen to have passed. */
interface Passed {
  readonly from: number;
  readonly to: number;
}

/** A session that sends as fast as it can for `ms`; each message that passes is stamped, `lost` counts the others. */
function send({ bucket }: Pod, ms: number, delay: boolean): Promise<{ passed: Passed[]; lost: number }> {
  const end = performance.now() + ms;
  const passed: Passed[] = [];
  let asked: number | undefined;
  let lost = 0;
  return new Promise((resolve) => {
    const next = (): void => {
      for (let n = 0; n < 64; n += 1) {
        const now = performance.now();
        if (now > end) return resolve({ passed, lost });
        if (bucket.take(1, now)) {
          passed.push({ from: asked ?? now, to: performance.now() });
          asked = undefined;
        } else if (bucket.unknown(1, now)) {
          asked = now;
          return void bucket.ask(1, now, next);
        } else if (delay) return void setTimeout(next, Math.min(bucket.wait(1, now), end - now + 1));
        else lost += 1;
      }
      setImmediate(next);
    };
    next();
  });
}

/** By how much the worst of all windows is over burst and what refills in it. */
function worstOf(passed: readonly Passed[], { limit, interval, burst }: BucketShape): number {
  const sorted = passed.toSorted((a, b) => a.to - b.to);
  let worst = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [at, { from, to }] of sorted.entries()) {
    least = Math.min(least, at - (from * limit) / interval);
    worst = Math.max(worst, at - (to * limit) / interval - least + 1 - burst);
  }
  return worst;
}

describe.skipIf(STORE_LACKS !== undefined)("four pods and one client that sends as fast as it can", () => {
  /** The share of all tokens that was not used, of three times the least; in none may a window be over. */
  const unused = (shape: BucketShape, ms: number, most: number) =>
    tooMuchInEachRound({ unused: most }, async () => {
      const { over, used } = await full(shape, ms);
      expect(over).toBeLessThanOrEqual(0);
      return { unused: 1 - used };
    });
  /** What all of them send at once: by how much the worst window is over, and the share of all tokens that was used. */
  const full = async (shape: BucketShape, ms: number) => {
    const pods = await podsOf(shape);
    const begun = performance.now();
    const sent = await Promise.all(pods.map((pod) => send(pod, ms, true)));
    const stamps = sent.flatMap(({ passed }) => passed);
    const refills = (time: number): number => shape.burst + (time * shape.limit) / shape.interval;
    // A stamp is made some ms behind the store's, and at a window's start each other pod may have a message under way.
    const slack = (5 * shape.limit) / shape.interval + pods.length;
    const took = performance.now() - begun;
    await closed(pods);
    return {
      over: Math.max(worstOf(stamps, shape), stamps.length - refills(took)) - slack,
      used: stamps.length / Math.floor(refills(ms)),
    };
  };

  test.concurrent.each([
    { limit: 10, interval: 1000, burst: 1, most: 0.3 }, // a token that is fetched late leaves no room for the next
    { limit: 10, interval: 1000, burst: 5, most: 0.05 },
    { limit: 100, interval: 1000, burst: 100, most: 0.05 },
  ])(
    "$limit a second, burst $burst: in no window more, and nearly all of it used",
    async ({ most, ...shape }) => expect(await unused(shape, 10_000, most)).toEqual({}),
    60_000,
  );

  test.concurrent("what a killed pod held comes back while the others keep the key busy", async () => {
    const shape = { limit: 200, interval: 1000, burst: 200 };
    const [dead, ...others] = await podsOf(shape);
    const { bucket } = dead as Pod;
    await new Promise<void>((resolve) => void bucket.ask(1, systemClock.now(), resolve));
    (dead as Pod).link.available = false; // it says nothing more
    const held = async (): Promise<number> => {
      const fields = (await server.ask("HGETALL", (dead as Pod).key)) as object;
      return Object.keys({ ...fields }).filter((name) => name.startsWith("hpod0.")).length;
    };
    await until("the store knows what it holds", async () => (await held()) === 1);
    const busy = Promise.all(others.map((pod) => send(pod, LEASE + 1500, true)));
    await until("that is gone", async () => (await held()) === 0, LEASE + 3000);
    await busy;
    await closed(others);
    (dead as Pod).link.close();
  }, 30_000);

  test("10,000 a second, burst 1,000: the same", async () => {
    expect(await unused({ limit: 10_000, interval: 1000, burst: 1000 }, 5000, 0.05)).toEqual({});
  }, 60_000);

  test("a flood on a small limit asks the store once in each pause, not once a message", async () => {
    const pods = await podsOf({ limit: 10, interval: 1000, burst: 10 });
    const sent = await Promise.all(pods.map((pod) => send(pod, 3000, false)));
    expect(sent.reduce((sum, { lost }) => sum + lost, 0)).toBeGreaterThan(10_000);
    expect(pods.reduce((sum, { link }) => sum + link.calls, 0)).toBeLessThan(4 * 3 * 40);
    await closed(pods);
  }, 30_000);

  test("after all have closed no key is left but what refills", async () => {
    await until("all keys", async () => {
      const keys = (await server.ask("KEYS", "*")) as string[];
      const all = await Promise.all(keys.map((key) => server.ask("HGETALL", key)));
      return all.every((fields) =>
        Object.keys({ ...(fields as object) }).every((name) => name === "t" || name === "a"),
      );
    });
  });
});
