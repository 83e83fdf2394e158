import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { LARGEST_WRITTEN, PACKED } from "../../api/meta.ts";
import { configOf } from "../../test/fakes/config.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import { WrittenConfigs, type SecretData } from "./written-configs.ts";

const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString("base64");

/** A config Secret written by hand, with a hash that fits. */
function secretOf(text: string): SecretData {
  return {
    [PACKED.configPart(0)]: base64(gzipSync(text)),
    [PACKED.configHash]: base64(hashOf(text)),
    [PACKED.configParts]: base64("1"),
  };
}

const config = configOf();
const written = secretOf(JSON.stringify(config));

test("a config is read back as it was written, and what is small is remembered by its hash", () => {
  const configs = new WrittenConfigs();
  const first = configs.read("a", [written]);
  expect(first).toEqual(config);
  expect(configs.read("a", [written])).toBe(first);
  expect(configs.remembered("a", hashOf(JSON.stringify(config)))?.config).toBe(first);
  expect(configs.remembered("a", "another")).toBeUndefined();
  configs.forget("a");
  expect(configs.remembered("a", hashOf(JSON.stringify(config)))).toBeUndefined();
});

test("how long the text is, is told before it is made into objects, and a pass may be given up then", () => {
  const sizes: number[] = [];
  new WrittenConfigs().read("a", [written], (size) => void sizes.push(size));
  expect(sizes).toEqual([JSON.stringify(config).length]);
  const give = (): void => {
    throw new Error("too much");
  };
  const configs = new WrittenConfigs();
  expect(() => configs.read("a", [written], give)).toThrow("too much");
  expect(configs.read("a", [written])).toEqual(config);
});

test("a config of the version before, whose jwt is no list, is read back: its routes stay in force", () => {
  const issuer = { issuer: "https://idp.test/", audiences: ["chat"], jwks: { secretName: "issuer", keys: [] } };
  const listed = configOf({ routes: [{ policies: { authentication: { jwt: [issuer] } } }] });
  const [settings] = listed.policies.authentication ?? [];
  const before = {
    ...listed,
    policies: { ...listed.policies, authentication: [{ ...settings, jwt: settings?.jwt?.[0] }] },
  };
  expect(new WrittenConfigs().read("a", [secretOf(JSON.stringify(before))])).toEqual(listed);
});

test("a large one is not remembered", () => {
  const configs = new WrittenConfigs();
  const large = secretOf(
    JSON.stringify(configOf({ routes: Array.from({ length: 500 }, (_, at) => ({ name: `r${at}` })) })),
  );
  const first = configs.read("a", [large]);
  expect(first?.routes).toHaveLength(500);
  expect(configs.read("a", [large])).not.toBe(first);
});

test("of many small ones those are remembered that were read last, within four mebibytes", () => {
  const configs = new WrittenConfigs();
  const texts = Array.from({ length: 400 }, (_, at) => {
    return JSON.stringify(
      configOf({ routes: Array.from({ length: 45 }, (_route, route) => ({ name: `r${at}-${route}` })) }),
    );
  });
  for (const [at, text] of texts.entries()) configs.read(`p${at}`, [secretOf(text)]);
  const known = texts.map((text, at) => configs.remembered(`p${at}`, hashOf(text)) !== undefined);
  const size = texts.reduce((sum, text, at) => sum + (known[at] === true ? text.length : 0), 0);
  expect([known[0], known.at(-1)]).toEqual([false, true]);
  expect(size).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(size).toBeGreaterThan(3 * 1024 * 1024);
});

test.each([
  ["unpacks to more than an operator writes", `"${"x".repeat(LARGEST_WRITTEN)}"`],
  ["is made of more values than an operator writes", `[${"{},".repeat(1_000_000)}{}]`],
  ["is no config", "[1]"],
])("what %s is none", (_, text) => {
  const configs = new WrittenConfigs();
  const before = process.memoryUsage().heapUsed;
  expect(configs.read("a", [secretOf(text)])).toBeUndefined();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(40 * 1024 * 1024);
});
