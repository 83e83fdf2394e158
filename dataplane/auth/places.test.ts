import { expect, test } from "vitest";
import type { CredentialPlace } from "../../api/policies/credential-place.ts";
import { handshake, settings } from "../../test/fakes/idp-bench.ts";
import { leastTime } from "../../test/fakes/least-time.ts";
import type { HeaderForm } from "./mentions.ts";
import { isUnder, parameterName } from "./place-names.ts";
import { credentialFinder, credentialPlaces, placeKey } from "./places.ts";

type Offer = Parameters<typeof handshake>[0];

/** The credential found, the reason of a refusal, or undefined. */
function found(
  places: CredentialPlace[],
  offer: Offer,
  form: HeaderForm = "raw",
  names?: string[],
): string | undefined {
  const subprotocols = names ?? places.flatMap((place) => place.subprotocol ?? []);
  const outcome = credentialFinder(places, form, subprotocols)(handshake(offer));
  return outcome === undefined ? undefined : "reason" in outcome ? outcome.reason : outcome.credential;
}

const key = [{ header: "x-api-key" }, { query: "apikey" }];
const header = (value: string, name = "X-Api-Key"): Offer => ({ headers: [[name, value]] });
const b64 = (text: string): string => Buffer.from(text).toString("base64url");

test.each<[string, CredentialPlace[], Offer, string | undefined]>([
  ["a header, whatever its case", key, header("k1", "x-API-key"), "k1"],
  ["a header whose config is in mixed case", [{ header: "X-Key" }], header("k1", "x-key"), "k1"],
  ["a header of another name", key, header("k1", "X_Api_Key"), undefined],
  ["an empty header", key, header(""), undefined],
  ["a header in UTF-8", key, header(Buffer.from("schlüssel").toString("latin1")), "schlüssel"],
  ["a header with commas, as it is", key, header("good, bad"), "good, bad"],
  [
    "two header lines",
    key,
    {
      headers: [
        ["X-Api-Key", "a"],
        ["x-api-key", "b"],
      ],
    },
    "AmbiguousCredential",
  ],
  [
    "two equal header lines",
    key,
    {
      headers: [
        ["X-Api-Key", "a"],
        ["X-Api-Key", "a"],
      ],
    },
    "AmbiguousCredential",
  ],
  ["a header and a parameter", key, { headers: [["X-Api-Key", "a"]], query: "apikey=a" }, "AmbiguousCredential"],
  ["a header and an empty parameter", key, { headers: [["X-Api-Key", "a"]], query: "apikey=" }, "AmbiguousCredential"],
  ["a parameter", key, { query: "a=1&apikey=k1&b=2" }, "k1"],
  ["a parameter whose name is encoded", key, { query: "%61pikey=k1" }, "k1"],
  ["a parameter whose name is encoded twice", key, { query: "%2561pikey=k1" }, undefined],
  ["a parameter whose value is encoded", key, { query: "apikey=a%2Bb%3D" }, "a+b="],
  ["a parameter with a plus and an equals sign", key, { query: "apikey=a+b==" }, "a+b=="],
  ["a parameter in another case", key, { query: "ApiKey=k1" }, undefined],
  ["a parameter with a NUL behind its name", key, { query: "apikey%00=k1" }, undefined],
  ["a parameter as an array", key, { query: "apikey[]=k1" }, undefined],
  ["an empty parameter", key, { query: "apikey=" }, undefined],
  ["a parameter without a value", key, { query: "apikey" }, undefined],
  ["a parameter twice", key, { query: "apikey=a&apikey=b" }, "AmbiguousCredential"],
  ["a parameter twice, once encoded", key, { query: "apikey=a&apike%79=b" }, "AmbiguousCredential"],
  ["a parameter twice, once empty", key, { query: "apikey&apikey=b" }, "AmbiguousCredential"],
  ["a parameter whose value is badly encoded", key, { query: "apikey=%zz" }, "AmbiguousCredential"],
  ["a parameter whose value is no UTF-8", key, { query: "apikey=%ff" }, "AmbiguousCredential"],
  ["another parameter that is badly encoded", key, { query: "x%zz=%zz&apikey=k1" }, "k1"],
])("%s", (_, places, offer, wanted) => {
  expect(found(places, offer)).toBe(wanted);
});

const cookie = [{ cookie: "wsproxy-key" }];

test.each<[string, string[], string | undefined]>([
  ["among others", ["a=1; wsproxy-key=k1; b=2"], "k1"],
  ["with signs of base64", ["wsproxy-key=a+b/c=="], "a+b/c=="],
  ["in another case", ["Wsproxy-Key=k1"], undefined],
  ["with a longer name", ["wsproxy-key2=k1; xwsproxy-key=k2"], undefined],
  ["empty", ["wsproxy-key="], undefined],
  ["twice", ["wsproxy-key=a; wsproxy-key=b"], "AmbiguousCredential"],
  ["twice, in two lines", ["wsproxy-key=a", "wsproxy-key=b"], "AmbiguousCredential"],
  ["with a space before the equals sign, which servers pass over", ["wsproxy-key =k1"], "k1"],
  ["twice, one with a tab before the equals sign", ["wsproxy-key=a; wsproxy-key\t=b"], "AmbiguousCredential"],
])("a cookie %s", (_, lines, wanted) => {
  expect(found(cookie, { headers: lines.map((line) => ["Cookie", line] as const) })).toBe(wanted);
});

const subprotocol = [{ subprotocol: "wsproxy.key" }];

test.each<[string, string[], string | undefined]>([
  ["beside the client's own", ["chat", `wsproxy.key.${b64("k 1")}`], "k 1"],
  ["twice", [`wsproxy.key.${b64("a")}`, `wsproxy.key.${b64("b")}`], "AmbiguousCredential"],
  ["empty", ["wsproxy.key."], undefined],
  ["that is only the name", ["wsproxy.key"], undefined],
  ["in another case", [`Wsproxy.Key.${b64("k1")}`], undefined],
  ["that is no base64url", ["wsproxy.key.a+b"], "CredentialInvalid"],
  ["with padding", ["wsproxy.key.YQ=="], "CredentialInvalid"],
  ["of an impossible length", ["wsproxy.key.abcde"], "CredentialInvalid"],
  ["with spare bits", ["wsproxy.key.YR"], "CredentialInvalid"],
  ["that is no UTF-8", [`wsproxy.key.${Buffer.from([0xff, 0xfe]).toString("base64url")}`], "CredentialInvalid"],
  ["that holds a bare token", ["wsproxy.key.eyJ.e30.c2ln"], "CredentialInvalid"],
])("a subprotocol %s", (_, protocols, wanted) => {
  expect(found(subprotocol, { protocols })).toBe(wanted);
});

test("of two configured prefixes that fit a subprotocol, the longer one counts", () => {
  const names = ["wsproxy.key", "wsproxy.key.jwt"];
  const protocols = [`wsproxy.key.jwt.${b64("token")}`];
  expect(found([{ subprotocol: "wsproxy.key" }], { protocols }, "raw", names)).toBeUndefined();
  expect(found([{ subprotocol: "wsproxy.key.jwt" }], { protocols }, "raw", names)).toBe("token");
});

const raw: CredentialPlace[] = [{ subprotocol: "openai-insecure-api-key", encoding: "Raw" }];

test.each<[string, string[], string | undefined]>([
  [
    "beside the client's own",
    ["realtime", "openai-insecure-api-key.sk-proj_A1.b~c", "openai-beta.v1"],
    "sk-proj_A1.b~c",
  ],
  ["that would be base64url too", ["openai-insecure-api-key.YWJj"], "YWJj"],
  ["with every character of a token", ["openai-insecure-api-key.!#$%&'*+-.^_`|~9aZ"], "!#$%&'*+-.^_`|~9aZ"],
  ["with percent signs, which mean nothing", ["openai-insecure-api-key.a%41"], "a%41"],
  ["of dots", ["openai-insecure-api-key..."], ".."],
  ["twice", ["openai-insecure-api-key.a", "openai-insecure-api-key.b"], "AmbiguousCredential"],
  ["twice, once empty", ["openai-insecure-api-key.", "openai-insecure-api-key.b"], "AmbiguousCredential"],
  ["empty", ["openai-insecure-api-key."], undefined],
  ["that is only the name", ["openai-insecure-api-key"], undefined],
  ["of a longer name", ["openai-insecure-api-keys.a"], undefined],
  ["of 8 KiB", [`openai-insecure-api-key.${"k".repeat(8192)}`], "k".repeat(8192)],
  ["of more than 8 KiB", [`openai-insecure-api-key.${"k".repeat(8193)}`], "CredentialInvalid"],
])("a raw credential in a subprotocol %s", (_, protocols, wanted) => {
  expect(found(raw, { protocols })).toBe(wanted);
});

test("a JWT in a raw subprotocol has dots, and is found by the longest name", () => {
  const jwt = `${b64('{"alg":"ES256"}')}.${b64("{}")}.c2ln`;
  const places: CredentialPlace[] = [{ subprotocol: "access_token", encoding: "Raw" }];
  expect(found(places, { protocols: [`access_token.${jwt}`, "chat"] }, "token")).toBe(jwt);
  const names = ["access_token", "access_token.id"];
  expect(found(places, { protocols: [`access_token.id.${jwt}`] }, "token", names)).toBeUndefined();
});

test("a place's key tells encodings of one subprotocol apart, and knows that Base64Url is the default", () => {
  const [absent, base64url, asItIs] = [{}, { encoding: "Base64Url" as const }, { encoding: "Raw" as const }].map(
    (more) => placeKey({ subprotocol: "key", ...more }),
  );
  expect(absent).toBe(base64url);
  expect(asItIs).not.toBe(absent);
});

const token = [{ header: "authorization" }, { query: "access_token" }];

test.each<[string, string, string | undefined]>([
  ["as it should be", "Bearer abc.d-e_f~+/==", "abc.d-e_f~+/=="],
  ["in any case", "bEARER abc", "abc"],
  ["after several spaces", "Bearer   abc", "abc"],
  ["after a tab", "Bearer\tabc", undefined],
  ["alone", "Bearer", undefined],
  ["of another scheme", "Basic dXNlcjpwdw==", undefined],
  ["of a longer scheme", "BearerX abc", undefined],
  ["without a scheme", "abc", undefined],
  ["that is empty", "", undefined],
  ["of two words", "Bearer abc def", "CredentialInvalid"],
  ["of two credentials", "Bearer abc, Bearer def", "CredentialInvalid"],
  ["with a quote", 'Bearer "abc"', "CredentialInvalid"],
])("an Authorization header %s", (_, value, wanted) => {
  expect(found(token, { headers: [["Authorization", value]] }, "token")).toBe(wanted);
});

test("an Authorization header of another scheme leaves the other places to the method", () => {
  const headers = [["Authorization", "Basic dXNlcjpwdw=="]] as const;
  expect(found(token, { headers: [...headers], query: "access_token=t" }, "token")).toBe("t");
});

test("Bearer, 15,500 blanks and a character that ends a line for `.` are no token, and take next to no time", () => {
  const value = `Bearer${" ".repeat(15_500)}${Buffer.from("\u2028").toString("latin1")}`;
  const headers = [["Authorization", value]] as const;
  const find = (): string | undefined => found(token, { headers: [...headers] }, "token");
  expect(find()).toBe("CredentialInvalid");
  expect(leastTime(find)).toBeLessThan(5);
});

test.each<[string, string | undefined]>([
  [`Bearer a${Buffer.from("\u2028").toString("latin1")}b`, "CredentialInvalid"],
  ["Bearer ", undefined],
  ["bearer     ", undefined],
  ["Bear", undefined],
  ["Bearer\u00a0abc", undefined],
])("an Authorization header %j", (value, wanted) => {
  expect(found(token, { headers: [["Authorization", value]] }, "token")).toBe(wanted);
});

test("thousands of mentions are ambiguous, and no more than two of them are looked at", () => {
  const places: CredentialPlace[] = Array.from({ length: 8 }, (_, n) => ({ query: `k${n}` }));
  const find = (): string | undefined => found(places, { query: "k7=%zz&".repeat(1000) });
  expect(find()).toBe("AmbiguousCredential");
  expect(leastTime(find)).toBeLessThan(5);
});

test("two Authorization lines are ambiguous whatever their schemes", () => {
  const headers = [
    ["Authorization", "Basic x"],
    ["Authorization", "Bearer y"],
  ] as const;
  expect(found(token, { headers: [...headers] }, "token")).toBe("AmbiguousCredential");
});

test("a token in another header may be led in by Bearer, an API key may not", () => {
  const offer = header("Bearer abc", "X-Token");
  expect(found([{ header: "x-token" }], offer, "token")).toBe("abc");
  expect(found([{ header: "x-token" }], header("abc", "X-Token"), "token")).toBe("abc");
  expect(found([{ header: "x-token" }], offer, "raw")).toBe("Bearer abc");
});

test("a credential of 8 KiB is looked at, a longer one is not", () => {
  expect(found(key, header("k".repeat(8192)))).toHaveLength(8192);
  expect(found(key, header("k".repeat(8193)))).toBe("CredentialInvalid");
});

test("a place that is configured twice is one place", () => {
  expect(found([{ header: "X-Key" }, { header: "x-key" }], header("k1", "x-key"))).toBe("k1");
});

test("the places of a route are those of all its methods", () => {
  const authentication = settings({
    apiKey: { from: [{ header: "X-Api-Key" }, { cookie: "Key" }, { subprotocol: "wsproxy.key" }], keys: [] },
    jwt: [
      { issuer: "i", audiences: ["a"], jwks: {} },
      { issuer: "j", audiences: ["a"], jwks: {}, from: [{ cookie: "session" }, { subprotocol: "jwt" }] },
    ],
    introspection: { endpoint: "https://idp.test/", from: [{ query: "Token" }] },
  });
  expect(credentialPlaces({ authentication })).toEqual({
    headers: new Set(["x-api-key", "authorization"]),
    query: new Set(["access_token", "Token"]),
    cookies: new Set(["Key", "session"]),
    subprotocols: ["wsproxy.key", "jwt"],
  });
  expect(credentialPlaces({}).headers.size).toBe(0);
});

test("credentials are removed by the same comparison of names by which they are found", () => {
  expect(parameterName("%61pikey=x%zz")).toBe("apikey");
  expect(parameterName("a%zz=1")).toBe("a%zz");
  expect(isUnder("wsproxy.key", "wsproxy.key.x")).toBe(true);
  expect(isUnder("wsproxy.key", "wsproxy.keys")).toBe(false);
});

test.each<[string, CredentialPlace[], Offer, HeaderForm, string]>([
  [
    "two places",
    key,
    { headers: [["X-Api-Key", "k1"]], query: "apikey=k2" },
    "raw",
    "credentials in header x-api-key and in query apikey",
  ],
  ["one place twice", key, { query: "apikey=k1&apikey=k2" }, "raw", "two credentials in query apikey"],
  ["a query that is no text", key, { query: "apikey=k1%zz" }, "raw", "query apikey: can be read in more than one way"],
  [
    "no base64url",
    subprotocol,
    { protocols: ["wsproxy.key.k+1"] },
    "raw",
    "subprotocol wsproxy.key: does not have the form of a credential",
  ],
  [
    "two words",
    token,
    { headers: [["Authorization", "Bearer k1 k2"]] },
    "token",
    "header authorization: does not have the form of a credential",
  ],
  [
    "too long a key",
    cookie,
    { headers: [["Cookie", `wsproxy-key=k1${"x".repeat(8192)}`]] },
    "raw",
    "cookie wsproxy-key: is longer than 8192 characters",
  ],
])("the cause of %s names places, and nothing that stands in them", (_, places, offer, form, words) => {
  const outcome = credentialFinder(places, form, ["wsproxy.key"])(handshake(offer));
  expect(outcome).toHaveProperty("cause", words);
});
