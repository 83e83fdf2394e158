import { describe, expect, test } from "vitest";
import {
  CertificateBench,
  DAY,
  MINUTE,
  SECOND,
  type Fault,
  type Replica,
} from "../../../test/fakes/certificate-bench.ts";
import { calm, certs, expectGood, installed, ROTATION } from "../../../test/fakes/certificate-scene.ts";

// Replicas that disagree on the time or on which of them leads, and calls that fail.

describe("two replicas", () => {
  test("that both lead for a while end with one pair, and no call is refused", async () => {
    const bench = await installed();
    await bench.pass(61 * DAY - ROTATION, 30 * DAY);
    for (const replica of bench.replicas) replica.leading = true;
    await calm(bench, ROTATION * 2);
    expectGood(bench);
    expect(certs(bench).size).toBe(1);
  });

  test("of which one begins to lead after a new installation have their certificate trusted at once", async () => {
    const bench = await installed();
    for (const replica of bench.replicas) replica.leading = false;
    bench.setBundle(undefined); // as the chart makes it; the Secret has stayed
    await bench.pass(2 * MINUTE, 2.5 * SECOND);
    const [, second] = bench.replicas as [Replica, Replica];
    expect(bench.trusts(bench.bundle, second.certificates.current?.cert ?? "")).toBe(false);
    second.leading = true;
    second.certificates.look();
    await bench.settle();
    expect(bench.trusts(bench.bundle, second.certificates.current?.cert ?? "")).toBe(true);
  });

  test("that both lead from the first moment on end with one pair", async () => {
    const bench = new CertificateBench();
    bench.install();
    bench.start({ leading: true });
    bench.start({ leading: true });
    await bench.pass(ROTATION);
    expectGood(bench);
  });

  test.each([
    ["bundle", "MutatingWebhookConfiguration", undefined],
    ["promotion", "Secret", "tls.crt"],
    ["next pair", "Secret", "next.crt"],
  ])(
    "of which one wrote a %s that arrives a quarter of an hour late lose nothing by it",
    async (_what, kind, field) => {
      const bench = await installed();
      const [first, second] = bench.replicas as [Replica, Replica];
      let arrive = (): void => {};
      const late = new Promise<void>((resolve) => (arrive = resolve));
      let held = false;
      bench.fault = ({ method, path, body }, replica) => {
        const data = (body as { readonly data?: Readonly<Record<string, unknown>> } | undefined)?.data ?? {};
        const isMeant =
          path.includes(`/${kind.toLowerCase()}s/`) && (field === undefined || typeof data[field] === "string");
        if (held || replica !== first || method !== "PATCH" || !isMeant) return undefined;
        held = true;
        return { late };
      };
      // The Secret has a pair that cannot be used, so that a next one is written into it.
      bench.edit({ "tls.key": "" });
      await bench.pass(2 * MINUTE, 2.5 * SECOND);
      expect(held).toBe(true);
      [first.leading, second.leading] = [false, true];
      bench.deleteSecret();
      await calm(bench, ROTATION);
      arrive();
      await calm(bench, ROTATION);
      expectGood(bench);
      expect(certs(bench).size).toBe(1);
    },
  );

  test("of which one cannot read for five minutes of a rotation refuse no call", async () => {
    const bench = await installed();
    await bench.pass(60 * DAY - ROTATION, 30 * DAY);
    const [, other] = bench.replicas as [Replica, Replica];
    bench.deleteSecret();
    await calm(bench, 55 * SECOND);
    bench.fault = (_, replica) => (replica === other ? "lost" : undefined);
    await calm(bench, 5 * MINUTE);
    expect(certs(bench).size).toBe(2);
    bench.fault = () => undefined;
    await calm(bench, ROTATION);
    expect(certs(bench).size).toBe(1);
    expectGood(bench);
  });

  test.each([-3 * DAY, -5 * MINUTE, 5 * MINUTE, 0.9 * DAY])(
    "of which the leader's clock is %d ms ahead refuse no call over two rotations",
    async (ahead) => {
      const bench = await installed({ ahead });
      for (let day = 0; day < 130; day += 1) {
        await bench.pass(DAY, DAY);
        if (bench.trusted > 1) await calm(bench, ROTATION);
      }
      await calm(bench, SECOND);
      expectGood(bench);
    },
  );

  test("of which the other's clock is two days behind or ahead refuse no call, whichever leads", async () => {
    for (const ahead of [-2 * DAY, 2 * DAY]) {
      const bench = await installed({}, { ahead });
      const [first, second] = bench.replicas as [Replica, Replica];
      for (let turn = 0; turn < 6; turn += 1) {
        [first.leading, second.leading] = [second.leading, first.leading];
        await calm(bench, ROTATION);
      }
      expectGood(bench);
    }
  });
});

describe("calls", () => {
  const faults: readonly Fault[] = ["lost", "answer lost", { status: 403 }, { status: 409 }, { status: 500 }];

  test.each(faults)(
    "of which each in turn ends with %j: the rotation goes on, and no call is refused",
    async (fault) => {
      // How many calls a rotation takes is seen in one without a fault.
      for (let at = 0; at < 8; at += 1) {
        const bench = await installed();
        bench.deleteSecret();
        let writes = 0;
        bench.fault = ({ method }) => {
          if (method === undefined || method === "GET") return undefined;
          writes += 1;
          return writes === at ? fault : undefined;
        };
        await calm(bench, 30 * MINUTE);
        expectGood(bench);
        expect(writes).toBeGreaterThanOrEqual(4);
        if (writes < at) break;
      }
    },
  );

  test("that all fail for ten minutes leave what is served, with one line for each end", async () => {
    const bench = await installed();
    bench.fault = () => "lost";
    for (const { lines } of bench.replicas) lines.splice(0);
    await calm(bench, 10 * MINUTE);
    for (const { lines } of bench.replicas) expect(lines).toEqual(["warn webhook certificate: looking again"]);
    bench.fault = () => undefined;
    await calm(bench, 10 * SECOND);
    for (const { certificates } of bench.replicas) expect(certificates.troubles).toEqual([]);
  });
});
