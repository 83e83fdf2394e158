import { beforeAll, describe, expect, test } from "vitest";
import { Authority } from "../../../test/fakes/certificates.ts";
import { CertificateBench, DAY, HOST, MINUTE, SECOND, type Replica } from "../../../test/fakes/certificate-bench.ts";
import { calm, certs, expectGood, installed, ROTATION } from "../../../test/fakes/certificate-scene.ts";
import { issue } from "./issue.ts";

// What others do to the Secret and to the bundle, while two replicas serve.

let foreign: Authority;

beforeAll(async () => {
  foreign = await Authority.create("another issuer");
});

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
    expectGood(bench);
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
    expectGood(bench);
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
    expectGood(bench);
  });

  test("that goes and comes back is right at the next look", async () => {
    const bench = await installed();
    bench.deleteConfiguration();
    await bench.pass(MINUTE);
    bench.install();
    await bench.pass(5 * SECOND);
    expect(bench.trusted).toBe(1);
    await bench.pass(MINUTE);
    expectGood(bench);
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
