import { describe, expect, test } from "vitest";
import { DISABLED, EXPIRES_AT } from "../../../api/meta.ts";
import { lookup, secret } from "../../../test/fakes/resources.ts";
import { tools } from "../../platform/tools.ts";
import { apiKeys } from "./api-keys.ts";
import type { Secret } from "../resources.ts";

const labels = { keys: "chat", "wsproxy.dev/api-keys": "chat" };
const keys = (name: string, data: Record<string, string>, more: Parameters<typeof secret>[2] = {}): Secret =>
  secret(name, data, { labels, ...more });

const linesOf = (problems: readonly { object: string; at: string; message: string }[]): string[] =>
  problems.map(({ object, at, message }) => `${object} ${at} ${message}`);

const KEY = "example-key-000001";
const OTHER = "example-key-000002";

function find(...secrets: Secret[]) {
  const { value = [], problems } = apiKeys({ matchLabels: labels }, "at", lookup({ secrets }));
  return { keys: value, problems: problems.map(({ object, at, reason }) => `${object} ${at} ${reason}`) };
}

test("an entry is a key: its name is the client, its value without white space around it becomes the digest", () => {
  expect(find(keys("a", { alice: `\n ${KEY}\t\r\n` }))).toEqual({
    keys: [{ client: "alice", digest: tools.sha256(KEY), disabled: false }],
    problems: [],
  });
});

test("two live keys of one client are in two Secrets, and come out sorted", () => {
  const [one, two] = [keys("a", { alice: KEY, bob: "example-key-000003" }), keys("b", { alice: OTHER })];
  const result = find(one, two);
  expect(result.keys.map(({ client }) => client)).toEqual(["alice", "alice", "bob"]);
  expect(find(two, one)).toEqual(result);
});

test.each([
  ["a b", KEY],
  ["", KEY],
  ["é", KEY],
  ["x".repeat(254), KEY],
  ["alice", ""],
  ["alice", "x".repeat(15)],
  ["alice", `${" ".repeat(20)}${"x".repeat(15)}`],
  ["alice", "x".repeat(513)],
  ["alice", `${KEY}\n${OTHER}`],
  ["alice", `${KEY}\u0000`],
])("client %j with key %j is refused, and the next one is not", (client, key) => {
  const result = find(keys("a", { [client]: key, zoe: OTHER }));
  expect(result.keys.map((it) => it.client)).toEqual(["zoe"]);
  expect(result.problems).toEqual([expect.stringMatching(/^Secret demo\/a data.* ApiKeyInvalid$/)]);
});

test.each(["x".repeat(16), "x".repeat(512), "with inner spaces, é"])(
  "key %j is long enough and not too long",
  (key) => {
    expect(find(keys("a", { alice: key })).problems).toEqual([]);
  },
);

test("a value that is not text is refused", () => {
  expect(find(keys("a", { bob: KEY }, { notText: ["alice"] }))).toMatchObject({
    keys: [{ client: "bob" }],
    problems: ["Secret demo/a data.alice ApiKeyInvalid"],
  });
});

test("the same key under two clients is the older Secret's; without a time a Secret is the younger, then names decide", () => {
  const old = { creationTimestamp: "2025-01-01T00:00:00Z" };
  const older = (...secrets: Secret[]): string[] => find(...secrets).keys.map(({ client }) => client);
  expect(older(keys("a", { a: KEY }), keys("b", { b: KEY }, old))).toEqual(["b"]);
  expect(older(keys("b", { b: KEY }, old), keys("a", { a: KEY }))).toEqual(["b"]);
  expect(older(keys("b", { b: KEY }), keys("a", { a: KEY }))).toEqual(["a"]);
  expect(
    older(keys("a", { a: KEY }, { creationTimestamp: "2025-01-02T00:00:00Z" }), keys("b", { b: KEY }, old)),
  ).toEqual(["b"]);
});

test("that two Secrets hold the same key is in the log only; that one Secret holds it twice is in the status, too", () => {
  const secrets = [keys("a", { a: KEY, again: KEY }), keys("b", { b: KEY })];
  const here = lookup({ secrets });
  const said = apiKeys({ matchLabels: labels }, "at", here);
  const same = "is the same key as that of a in Secret a, which is older or comes first; make a new one";
  const [again, b] = ["Secret demo/a data.again", "Secret demo/b data.b"].map((place) => `${place} ${same}`);
  expect(linesOf(said.problems)).toEqual([again]);
  expect(linesOf(here.asides)).toEqual([b]);
  const files = lookup({ secrets }, { secretsAtHand: true });
  expect(linesOf(apiKeys({ matchLabels: labels }, "at", files).problems)).toEqual([again, b]);
  expect(files.asides).toEqual([]);
});

test("of a Secret without a label of ours the status tells neither names nor lengths of entries", () => {
  const shop = secret("shop", { password: "short", user: "x", good: KEY }, { labels: { keys: "chat" } });
  const here = lookup({ secrets: [shop] });
  const { value, problems } = apiKeys({ matchLabels: { keys: "chat" } }, "at", here);
  expect(value?.map(({ client }) => client)).toEqual(["good"]);
  expect(linesOf(problems)).toEqual([
    "Secret demo/shop data not every entry can be an API key, which has 16 to 512 characters on one line; give the Secret a label in wsproxy.dev/, such as wsproxy.dev/api-keys, and this says which cannot",
  ]);
  expect(here.asides.map(({ at }) => at)).toEqual(["data.password", "data.user"]);
  const files = lookup({ secrets: [shop] }, { secretsAtHand: true });
  expect(apiKeys({ matchLabels: { keys: "chat" } }, "at", files).problems.map(({ at }) => at)).toEqual([
    ...["data.password", "data.user"],
  ]);
});

test("a key that the older Secret disables does not live on in a younger one", () => {
  const { keys: found } = find(keys("a", { a: KEY }, { annotations: { [DISABLED]: "true" } }), keys("b", { a: KEY }));
  expect(found).toMatchObject([{ client: "a", disabled: true }]);
});

test.each([
  ["true", true, 0],
  ["false", false, 0],
  ["yes", true, 1],
  ["True", true, 1],
  ["", true, 1],
])("disabled: %j", (text, disabled, problems) => {
  const result = find(keys("a", { alice: KEY }, { annotations: { [DISABLED]: text } }));
  expect(result.keys).toMatchObject([{ disabled }]);
  expect(result.problems).toHaveLength(problems);
});

test.each(["2027-01-31T12:00:00Z", "2027-01-31T12:00:00.5+02:00", "2020-01-01T00:00:00Z"])(
  "expires-at: %s is handed on",
  (expiresAt) => {
    const result = find(keys("a", { alice: KEY }, { annotations: { [EXPIRES_AT]: expiresAt } }));
    expect(result).toMatchObject({ keys: [{ expiresAt }], problems: [] });
  },
);

test.each([
  "",
  "never",
  "2027-01-31",
  "2027-02-30T00:00:00Z",
  "2027-01-31T12:00:00",
  "1801396800",
  "2027-01-31 12:00:00Z",
])("expires-at: %j is no time, and no key of the Secret may be used", (text) => {
  const result = find(keys("a", { alice: KEY }, { annotations: { [EXPIRES_AT]: text } }), keys("b", { bob: OTHER }));
  expect(result.keys.map(({ client }) => client)).toEqual(["bob"]);
  expect(result.problems).toEqual([`Secret demo/a metadata.annotations["${EXPIRES_AT}"] SecretInvalid`]);
});

test.each(["kubernetes.io/service-account-token", "kubernetes.io/tls", "helm.sh/release.v1"])(
  "a Secret of type %s holds no API keys, whatever its labels",
  (type) => {
    expect(find(keys("a", { token: KEY }, { type }))).toEqual({
      keys: [],
      problems: ["Secret demo/a type SecretInvalid"],
    });
  },
);

test("a selector that finds no Secret is a problem, and Secrets of other namespaces do not count", () => {
  expect(find(keys("a", { alice: KEY }, { namespace: "other" }))).toEqual({
    keys: [],
    problems: ["WebSocketProxy demo/chat at ApiKeysNotFound"],
  });
});

describe("a Secret that exists and cannot be used", () => {
  const undecoded = (name: string, words: string, more: object = {}) => ({
    kind: "Secret" as const,
    metadata: { namespace: "demo", name, labels },
    words,
    ...more,
  });
  const say = (parts: Parameters<typeof lookup>[0]): string[] => {
    const { value = [], problems } = apiKeys({ matchLabels: labels }, "at", lookup(parts));
    return [...value.map(({ client }) => client), ...problems.map((it) => `${it.reason} ${linesOf([it])[0]}`)];
  };

  test("is told in place of ApiKeysNotFound", () => {
    expect(say({ undecoded: [undecoded("a", "data: must be an object, not an array")] })).toEqual([
      "SecretInvalid Secret demo/a metadata is malformed, so it is not used: data: must be an object, not an array",
    ]);
  });

  test("is told beside the keys of the others", () => {
    const parts = { secrets: [keys("b", { bob: KEY })], undecoded: [undecoded("a", "has too many", { beyond: true })] };
    expect(say(parts)).toEqual(["bob", "SecretInvalid Secret demo/a metadata has too many"]);
  });

  test("is told with nineteen others at most", () => {
    const many = Array.from({ length: 50 }, (_, at) => undecoded(`a${at}`, "wrong"));
    expect(say({ undecoded: many })).toHaveLength(20);
  });

  test("is named in ApiKeysNotFound where its labels are not known", () => {
    const unsearched = {
      ...undecoded("a", "has too many", { beyond: true, labelsLeftOut: true }),
      metadata: { namespace: "demo", name: "a", labels: {} },
    };
    const message = say({ undecoded: [unsearched] });
    expect(message).toEqual([
      expect.stringMatching(/^ApiKeysNotFound .*correct the selector\. Secret a has too many$/),
    ]);
  });

  test("is not used for the labels that are known of it: another may exclude it", () => {
    expect(say({ secrets: [{ ...keys("a", { alice: KEY }), labelsLeftOut: true }] })).toEqual([
      expect.stringMatching(/^ApiKeysNotFound /),
    ]);
  });
});
