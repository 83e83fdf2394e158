import fc from "fast-check";
import { expect, test } from "vitest";
import * as api from "../../api/config.ts";
import { problemsOf, type Issues } from "../../api/problem.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { withKeys } from "../../test/fakes/api-keys.ts";
import { configOf, endpointsOf, type RouteParts } from "../../test/fakes/config.ts";
import { Slices } from "../../runtime/loop/slices.ts";
import { configInPieces, endpointsInPieces, type Believed, type Outcome } from "./in-pieces.ts";

const slices = new Slices(new FakeClock());
const NOTHING: Believed = new Map();

const route = (n: number): RouteParts => ({
  name: `route-${n}`,
  path: { type: "Exact", value: `/${n}` },
  policies: {
    ...withKeys(["alice", `client-${n % 3}`]),
    deny: { clients: [], tokenIds: [], addresses: ["10.0.0.0/8"] },
  },
});
const routes = Array.from({ length: 120 }, (_, n) => route(n));
const whole = (): Config => JSON.parse(JSON.stringify(configOf({ routes }))) as Config;
type Config = ReturnType<typeof configOf>;

const told = (issues: Issues): string[] =>
  problemsOf(issues, "config", "Invalid").map(({ at, message }) => `${at}: ${message}`);

function unknownInRoute(more: object): unknown {
  const [first, ...others] = whole().routes;
  return { ...whole(), routes: [{ ...first, policies: { ...first?.policies, future: 1, ...more } }, ...others] };
}

/** What is made of a value: in pieces and in one go. */
async function both<T>(
  inPieces: Promise<Outcome<T>>,
  parsed: { data?: T; error?: Issues },
): Promise<[unknown, unknown]> {
  const read = await inPieces;
  return ["value" in read ? read.value : told(read), parsed.error === undefined ? parsed.data : told(parsed.error)];
}

test("a config that is known to be valid reads in pieces as it does in one go", async () => {
  const [ours, schemas] = await both(configInPieces(whole(), NOTHING, slices), api.config.safeParse(whole()));
  expect(ours).toEqual(schemas);
  expect((ours as Config).routes).toHaveLength(120);
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["a text", "config"],
  ["a list", []],
  ["an empty object", {}],
  ["policies that are a list", { ...whole(), policies: [] }],
  ["routes that are an object", { ...whole(), routes: {} }],
  ["a kind that is no list", { ...whole(), policies: { ...whole().policies, deny: {} } }],
  ["too many routes", { ...whole(), routes: Array(4097).fill(whole().routes[0]) }],
  ["an unknown policy", { ...whole(), policies: { ...whole().policies, future: [{}] } }],
  ["an unknown policy that is no list", { ...whole(), policies: { ...whole().policies, future: 1 } }],
  ["no policies", { ...whole(), policies: {} }],
  ["an unknown field beside settings that are not there", { ...whole(), more: 1, policies: {} }],
  ["an unknown policy of a route", unknownInRoute({})],
  ["an unknown policy of a route beside settings that are not there", unknownInRoute({ deny: 7 })],
  ["a wrong field beside settings that are not there", { ...whole(), version: 2, policies: {} }],
])("%s is refused in the words of the schema", async (_, value) => {
  const [ours, schemas] = await both(configInPieces(value, NOTHING, slices), api.config.safeParse(value));
  expect(ours).toEqual(schemas);
  expect(ours).not.toEqual([]);
});

/** Every place in a value, as a path. */
function pathsIn(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  const inside = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [[...path], ...inside.flatMap(([key, item]) => pathsIn(item, [...path, key]))];
}

/** Puts something else in a place. */
function spoil(value: unknown, [key, ...rest]: readonly (string | number)[], change: unknown): unknown {
  if (key === undefined) {
    const record = typeof value === "object" && value !== null && !Array.isArray(value);
    return change === "unknown field" && record ? { ...value, unknownField: 1 } : change;
  }
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>;
  copy[key] = spoil(copy[key], rest, change);
  return copy;
}

const change = fc.constantFrom<unknown>("unknown field", 0, -1, "", "x", null, true, [], {}, ["x"]);

test("both ways of reading report the same mistakes of a config", async () => {
  const paths = pathsIn(whole());
  const spoilt = fc.array(fc.tuple(fc.nat(paths.length - 1), change), { minLength: 1, maxLength: 3 });
  const { believed } = await configInPieces(whole(), NOTHING, slices);
  await fc.assert(
    fc.asyncProperty(spoilt, fc.boolean(), async (changes, again) => {
      const value = changes.reduce<unknown>((it, [path, by]) => {
        try {
          return spoil(it, paths[path] ?? [], by);
        } catch {
          return it;
        }
      }, whole());
      const before = again ? believed : NOTHING;
      const [ours, schemas] = await both(configInPieces(value, before, slices), api.config.safeParse(value));
      expect(ours).toEqual(schemas);
    }),
    { numRuns: 150 },
  );
});

test("endpoints are read in pieces with the same result too", async () => {
  const good = endpointsOf({ "a:1": [1, 2], "b:2": [], "c:3": [3] });
  const paths = pathsIn(good);
  const spoilt = fc.array(fc.tuple(fc.nat(paths.length - 1), change), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(spoilt, async (changes) => {
      const value = changes.reduce<unknown>((it, [path, by]) => {
        try {
          return spoil(it, paths[path] ?? [], by);
        } catch {
          return it;
        }
      }, good);
      const [ours, schemas] = await both(endpointsInPieces(value, slices), api.endpoints.safeParse(value));
      expect(ours).toEqual(schemas);
    }),
    { numRuns: 300 },
  );
});

test("settings that stood in the last config stay the same objects; what changed is new", async () => {
  const first = await configInPieces(whole(), NOTHING, slices);
  const edited = whole();
  edited.policies.deny?.[0]?.clients.push("mallory");
  edited.routes.pop();
  const second = await configInPieces(edited, first.believed, slices);
  if (!("value" in first) || !("value" in second)) throw new Error("not believed");
  const [before, now] = [first.value.policies, second.value.policies];
  expect(now.authentication?.map((it, n) => it === before.authentication?.[n])).toEqual([true, true, true]);
  expect(now.deny?.[0]).not.toBe(before.deny?.[0]);
  expect(now.deny?.[0]?.clients).toEqual(["mallory"]);
  const third = await configInPieces(edited, second.believed, slices);
  expect("value" in third && third.value.policies.deny?.[0]).toBe(now.deny?.[0]);
});

test("settings that are nested without end are refused or taken, and throw nothing", async () => {
  const depth = 100_000;
  const jwk = JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`) as object;
  const settings = { require: "All", jwt: [{ issuer: "i", audiences: ["a"], jwks: { keys: [jwk] } }] };
  const value = { ...whole(), policies: { ...whole().policies, authentication: [settings, settings, settings] } };
  expect("value" in (await configInPieces(value, NOTHING, slices))).toBe(true);
});

test("a config of the version before, whose jwt is no list, is read as with a list of one", async () => {
  const jwt = { issuer: "i", audiences: ["a"], jwks: { uri: "https://idp.test/keys" } };
  const withJwt = (written: unknown): object => {
    const settings = { require: "All", jwt: written };
    return { ...whole(), policies: { ...whole().policies, authentication: [settings, settings, settings] } };
  };
  const [before, now] = [
    await configInPieces(withJwt(jwt), NOTHING, slices),
    await configInPieces(withJwt([jwt]), NOTHING, slices),
  ];
  expect("value" in before && before.value).toEqual("value" in now && now.value);
  expect("value" in now && now.value.policies.authentication?.[0]?.jwt?.[0]?.issuer).toBe("i");
});
