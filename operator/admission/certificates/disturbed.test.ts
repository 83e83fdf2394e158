import { beforeAll, describe, expect, test } from "vitest";
import { Authority } from "../../../test/fakes/certificates.ts";
import {
  authorities,
  CertificateBench,
  DAY,
  HOST,
  MINUTE,
  SECOND,
  type Fault,
  type Replica,
  type ReplicaParts,
} from "../../../test/fakes/certificate-bench.ts";
import { issue } from "./issue.ts";

// What others do to the Secret, the bundle, the clocks and the calls, while two replicas serve.

const ROTATION = 15 * MINUTE;
let foreign: Authority;

beforeAll(async () => {
  foreign = await Authority.create("another issuer");
});

async function installed(first: ReplicaParts = {}, second: ReplicaParts = {}): Promise<CertificateBench> {
  const bench = new CertificateBench();
  bench.install();
  bench.start({ leading: true, ...first });
  await bench.settle();
  bench.start(second);
  await bench.pass(12 * MINUTE, 5 * SECOND);
  expect(bench.refused).toEqual([]);
  return bench;
}

/** Lets time pass; no call is refused in it. */
async function calm(bench: CertificateBench, ms: number): Promise<void> {
  await bench.pass(ms, 2.5 * SECOND, () => {
    expect({ at: bench.wall, refused: bench.refused.length }).toEqual({ at: bench.wall, refused: 0 });
  });
}

const certs = (bench: CertificateBench): Set<string | undefined> =>
  new Set(bench.replicas.map(({ certificates: { current } }) => current?.cert));

describe("a Secret", () => {
  test("that is deleted brings a new pair, and no call is refused meanwhile", async () => {
    const bench = await installed();
    const [before] = certs(bench);
    bench.deleteSecret();
    await calm(bench, ROTATION);
    expect(certs(bench)).toEqual(new Set([bench.secret?.["tls.crt"]]));
    expect(certs(bench)).not.toContain(before);
    expect(bench.trusted).toBe(1);
  });

  test("that is deleted once a minute brings a bundle of a few CAs, and no refused call", async () => {
    const bench = await installed();
    for (let minute = 0; minute < 20; minute += 1) {
      bench.deleteSecret();
      await calm(bench, MINUTE);
      expect(bench.trusted).toBeLessThanOrEqual(6);
    }
    await calm(bench, ROTATION);
    expect(bench.trusted).toBe(1);
  });

  test("that is deleted together with the bundle: the pair that is served is trusted again within two looks", async () => {
    const bench = await installed();
    bench.deleteSecret();
    bench.setBundle(undefined);
    await bench.pass(40 * SECOND);
    await calm(bench, ROTATION);
    expect(bench.trusted).toBe(1);
  });

  const pairOf = async (names: readonly string[], notAfter?: Date): Promise<Record<string, string>> => {
    const { certificate, privateKey } = await foreign.issue({ names, ...(notAfter === undefined ? {} : { notAfter }) });
    return { "tls.crt": certificate, "tls.key": privateKey, "ca.crt": foreign.ca };
  };
  const own = async (host: string, now: number): Promise<Record<string, string>> => {
    const { cert, key, ca } = await issue(host, now);
    return { "tls.crt": cert, "tls.key": key, "ca.crt": ca };
  };
  test.each<[string, (now: number) => Promise<Record<string, string>> | Record<string, string>]>([
    ["is empty", () => ({ "tls.crt": "", "tls.key": "", "ca.crt": "" })],
    ["is no PEM", () => ({ "tls.crt": "hello", "tls.key": "\u0000", "ca.crt": "-----BEGIN CERTIFICATE-----" })],
    ["has no key", () => ({ "tls.key": "" })],
    ["has the key of another certificate", async (now) => ({ "tls.key": (await own(HOST, now))["tls.key"] ?? "" })],
    ["has the CA of another certificate", async (now) => ({ "ca.crt": (await own(HOST, now))["ca.crt"] ?? "" })],
    ["is for another Service", (now) => own("other.wsproxy-system.svc", now)],
    ["has expired", (now) => own(HOST, now - 91 * DAY)],
    ["is not valid yet", (now) => own(HOST, now + DAY)],
    ["is that of another issuer for another name", () => pairOf(["example.com"])],
    ["has a megabyte of text in place of a certificate", () => ({ "tls.crt": "x".repeat(40_000) })],
  ])("that %s brings a new pair", async (_what, fields) => {
    const bench = await installed();
    bench.edit(await fields(bench.wall));
    await bench.pass(ROTATION);
    nowGood(bench);
  });

  test("with a usable pair of another issuer is replaced by way of both CAs", async () => {
    const bench = new CertificateBench(Date.now());
    bench.install();
    bench.edit(await pairOf([HOST]));
    bench.setBundle(foreign.ca);
    bench.start({ leading: true });
    bench.start();
    await bench.settle();
    expect(bench.bundle).toContain(foreign.ca.trim());
    await calm(bench, ROTATION);
    nowGood(bench);
    expect(bench.bundle).not.toContain(foreign.ca.trim());
  });

  test("that is too large to read leaves the last pair, and one line says so", async () => {
    const bench = await installed();
    const [before] = certs(bench);
    bench.edit({ more: "x".repeat(65_536) });
    await calm(bench, ROTATION);
    expect(certs(bench)).toEqual(new Set([before]));
    for (const { lines, certificates } of bench.replicas) {
      expect(lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
      expect(certificates.troubles).toEqual([expect.stringContaining("TooLong")]);
    }
  });
});

describe("a webhook configuration", () => {
  test("that is too large to read is left as it is, and one line says so", async () => {
    const bench = await installed();
    const [{ lines, certificates }] = bench.replicas as [Replica];
    bench.setBundle("x".repeat(800_000));
    await bench.pass(MINUTE);
    expect(lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
    expect(certificates.troubles).toEqual([expect.stringContaining("TooLong")]);
  });

  test("that others change all the time holds up no rotation", async () => {
    const bench = await installed();
    bench.deleteSecret();
    await bench.pass(ROTATION, 2.5 * SECOND, () => bench.label(String(bench.wall)));
    nowGood(bench);
  });

  test("that goes and comes back is right at the next look", async () => {
    const bench = await installed();
    bench.deleteConfiguration();
    await bench.pass(MINUTE);
    bench.install();
    await bench.pass(5 * SECOND);
    expect(bench.trusted).toBe(1);
    await bench.pass(MINUTE);
    nowGood(bench);
  });
});

describe("a bundle", () => {
  test.each([
    ["was removed", undefined],
    ["is no PEM", "hello"],
    ["was replaced", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ])("that %s is put back at the next look", async (_what, bundle) => {
    const bench = await installed();
    const { bundle: before } = bench;
    bench.setBundle(bundle);
    await bench.pass(5 * SECOND);
    expect(bench.bundle).toBe(before);
  });

  test("with CAs of others loses them when it is sure that no replica needs them", async () => {
    const bench = await installed();
    const { bundle: before } = bench;
    bench.setBundle(`${foreign.ca}\n${before}`);
    await calm(bench, 9 * MINUTE);
    expect(bench.trusted).toBe(2);
    await calm(bench, 2 * MINUTE);
    expect(bench.bundle).toBe(before);
  });

  test("with many CAs of others loses the most of them at once", async () => {
    const bench = await installed();
    const others = await Promise.all(Array.from({ length: 20 }, (_, at) => Authority.create(`other ${at}`)));
    bench.setBundle(`${bench.bundle}${others.map(({ ca }) => `${ca}\n`).join("")}`);
    await bench.pass(5 * SECOND);
    expect(bench.trusted).toBe(5);
  });

  test("that another writer removes in every moment costs a bounded number of calls", async () => {
    const bench = await installed();
    bench.after = ({ method }) => {
      if (method === "PATCH") bench.setBundle(undefined);
    };
    const calls = bench.calls.length;
    bench.setBundle(undefined);
    await bench.pass(60 * SECOND);
    const [{ lines, certificates }] = bench.replicas as [Replica];
    expect(bench.calls.length - calls).toBeLessThan(13 * 13 + 13);
    expect(lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
    expect(lines.filter((line) => line.includes("trusted"))).toHaveLength(1);
    expect(certificates.troubles).toEqual(["another writer changed the caBundle of wsproxy"]);
  });
});

describe("two replicas", () => {
  test("that both lead for a while end with one pair, and no call is refused", async () => {
    const bench = await installed();
    await bench.pass(61 * DAY - ROTATION, 30 * DAY);
    for (const replica of bench.replicas) replica.leading = true;
    await calm(bench, ROTATION * 2);
    nowGood(bench);
    expect(certs(bench).size).toBe(1);
  });

  test("that both lead from the first moment on end with one pair", async () => {
    const bench = new CertificateBench();
    bench.install();
    bench.start({ leading: true });
    bench.start({ leading: true });
    await bench.pass(ROTATION);
    nowGood(bench);
  });

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
    nowGood(bench);
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
      nowGood(bench);
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
      nowGood(bench);
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
        nowGood(bench);
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

describe("a certificate of another controller", () => {
  test("is served as it is, and nothing is written", async () => {
    const bench = new CertificateBench(Date.now());
    bench.install();
    const replica = bench.start({ leading: true, source: "secret" });
    await bench.pass(MINUTE);
    expect(replica.certificates.current).toBeUndefined();
    expect(replica.certificates.troubles).toEqual([
      "Secret: the Secret operator-webhook has no certificate with its key",
    ]);
    const seen: unknown[] = [];
    replica.certificates.onChange(() => seen.push(replica.certificates.current?.cert));
    for (const name of ["a.example", "b.example"]) {
      const { certificate, privateKey } = await foreign.issue({ names: [name] });
      bench.edit({ "tls.crt": certificate, "tls.key": privateKey });
      await bench.pass(5 * SECOND);
      expect(seen.at(-1)).toBe(certificate);
    }
    bench.edit({ "tls.key": "broken" });
    await bench.pass(MINUTE);
    bench.deleteSecret();
    await bench.pass(MINUTE);
    expect(replica.certificates.current?.cert).toBe(seen.at(-1));
    expect(seen).toHaveLength(2);
    expect(new Set(bench.calls)).toEqual(new Set(["GET Secret"]));
  });
});

/** One pair, ours, for the Service, trusted by one CA. */
function nowGood(bench: CertificateBench): void {
  expect(bench.refused).toEqual([]);
  expect(bench.trusted).toBe(1);
  expect(Object.keys(bench.secret ?? {}).toSorted()).toEqual(["ca.crt", "tls.crt", "tls.key"]);
  expect(authorities(bench.bundle)[0]?.subject).toMatch(/^CN=wsproxy-webhook-ca-[0-9a-f]{16}$/);
}
