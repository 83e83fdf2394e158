import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../../../test/fakes/clock.ts";
import { clientNamed } from "../../../../test/fakes/policy-bench.ts";
import { Occupancy } from "../../occupancy.ts";
import { Unavailable, type Link } from "../link.ts";
import { Ledger } from "../places.ts";

test("while the store is away, sessions that come and go leave nothing in memory", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const clock = new FakeClock();
  const occupancy = new Occupancy();
  const away: Link = {
    available: false,
    call: () => Promise.reject(new Unavailable()),
    rejoin: async () => {},
  };
  const ledger = new Ledger({ link: () => away, occupancy, prefix: "{demo/chat}:", clock, incarnation: "pod" });
  onTestFinished(() => ledger.close());
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const leaves = Array.from({ length: 500 }, (_, n) =>
    occupancy.enter("main", clientNamed(`c${n}`), { addressSubject: "" }),
  );
  const before = used();
  for (let n = 0; n < 100_000; n += 1) {
    leaves.shift()?.();
    leaves.push(occupancy.enter("main", clientNamed(`d${n}`), { addressSubject: "" }));
    if (n % 5_000 === 0) {
      clock.advance(2_000);
      await Promise.resolve();
    }
  }
  expect(used() - before).toBeLessThan(3);
});
