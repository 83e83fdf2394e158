import { afterEach, beforeEach, expect, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request, type HandshakeParts, type RawAnswer } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";

let backend: RawBackend;
let gateway: TestGateway;

beforeEach(async () => {
  backend = await new RawBackend().open();
  gateway = new TestGateway();
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

async function answer(parts: HandshakeParts): Promise<RawAnswer> {
  return (await RawClient.send(gateway.port, request(parts))).answer();
}

async function refused(parts: HandshakeParts): Promise<[number, string]> {
  const given = await answer(parts);
  return [given.status, given.status === 101 ? "" : reasonOf(given)];
}

const listed = { allow: ["https://app.test", "https://*.app.test"], allowMissing: true, sameOrigin: false };
const apps = { ...listed, allow: ["capacitor://localhost", "file://", "https://my_app.test"] };
const sameOrigin = { allow: [], allowMissing: true, sameOrigin: true };
const named = { ...listed, allow: ["https://app.test", "null"] };
const browsers = { ...sameOrigin, allowMissing: false };

test.each<[string, object, string | string[] | null, number]>([
  ["a page of a listed origin", listed, "https://app.test", 101],
  ["a page of a listed wildcard", listed, "https://x.y.app.test", 101],
  ["G1 a page of another site", listed, "https://evil.test", 403],
  ["G2 a page with the origin null", listed, "null", 403],
  ["null, where it is listed", named, "null", 101],
  ["G7 another scheme", listed, "http://app.test", 403],
  ["another port", listed, "https://app.test:8443", 403],
  ["G7 a name that ends alike", listed, "https://evilapp.test", 403],
  ["G7 a name that begins alike", listed, "https://app.test.evil.test", 403],
  ["an app of a listed origin", apps, "capacitor://localhost", 101],
  ["a page of a file, where files are listed", apps, "file://", 101],
  ["a page of a listed host with _", apps, "https://my_app.test", 101],
  ["G7 another app on the same host", apps, "ionic://localhost", 403],
  ["G7 an app on another port", apps, "capacitor://localhost:8080", 403],
  ["G7 a listed app with a slash at its end", apps, "capacitor://localhost/", 403],
  ["G7 a listed host with a dot at its end", apps, "https://my_app.test.", 403],
  ["G7 a listed scheme with a host that is not", apps, "file://evil.test", 403],
  ["two origins", listed, ["https://app.test", "https://app.test"], 403],
  ["an empty origin", listed, "", 403],
  ["G4 no Origin", listed, null, 101],
  ["a page of the same origin", sameOrigin, "http://a.test", 101],
  ["a page of the same host on another port", sameOrigin, "http://a.test:81", 403],
  ["a page of another site, where only the same may", sameOrigin, "https://evil.test", 403],
  ["G4 no Origin, where the route wants one", browsers, null, 403],
])("%s gets its answer before any credential is looked at", async (_, origins, origin, status) => {
  await gateway.serve({ routes: [{ policies: { ...withKeys(["alice"]), origins } }] }, [backend.port]);
  const offer = { Origin: origin, "X-Api-Key": keyOf("alice") };
  expect(await refused({ headers: offer })).toEqual([status, status === 101 ? "" : "OriginForbidden"]);
  expect(backend.connections).toHaveLength(status === 101 ? 1 : 0);
  if (status === 403) {
    expect(await refused({ headers: { Origin: origin } })).toEqual([403, "OriginForbidden"]);
    expect(await gateway.metric("authentications_total")).toBe(0);
  }
});

test("a page of the same origin may have a host name with _, or an IPv6 address", async () => {
  await gateway.serve({ routes: [{ policies: { origins: sameOrigin } }] }, [backend.port]);
  for (const host of ["my_app.test", "my_app.test:8080", "[2001:db8::1]:8080"]) {
    const page = { Host: host, Origin: `http://${host}` };
    expect([host, (await answer({ headers: page })).status]).toEqual([host, 101]);
  }
});

test("G5 the backend sees the origin as it was sent", async () => {
  await gateway.serve({ routes: [{ policies: { origins: listed } }] }, [backend.port]);
  expect((await answer({ headers: { Origin: "https://APP.test:443" } })).status).toBe(101);
  expect(backend.last.values("origin")).toEqual(["https://APP.test:443"]);
});

const deny = { clients: ["mallory"], tokenIds: [], addresses: ["192.0.2.0/24"] };
const plain = { Upgrade: null, Connection: null };

test.each<[string, HandshakeParts["headers"], [number, string]]>([
  ["a denied address", { "X-Forwarded-For": "192.0.2.7" }, [403, "Denied"]],
  [
    "a denied address with a good key",
    { "X-Forwarded-For": "192.0.2.7", "X-Api-Key": keyOf("alice") },
    [403, "Denied"],
  ],
  ["E24 a denied address without an upgrade", { "X-Forwarded-For": "192.0.2.7", ...plain }, [403, "Denied"]],
  ["a denied client", { "X-Api-Key": keyOf("mallory") }, [403, "Denied"]],
  ["E24 a denied client without an upgrade", { "X-Api-Key": keyOf("mallory"), ...plain }, [403, "Denied"]],
  ["a wrong key without an upgrade", { "X-Api-Key": "wrong-key-0123456789", ...plain }, [401, "CredentialInvalid"]],
  ["no credential and no upgrade", plain, [401, "CredentialMissing"]],
  ["a good key without an upgrade", { "X-Api-Key": keyOf("alice"), ...plain }, [426, "UpgradeRequired"]],
  ["an address that only claims not to be denied", { "X-Forwarded-For": "198.51.100.1, 192.0.2.7" }, [403, "Denied"]],
])("%s", async (_, headers, wanted) => {
  const policies = { ...withKeys(["alice", "mallory"]), deny };
  await gateway.serve({ trustedProxies: ["127.0.0.1"], routes: [{ policies }] }, [backend.port]);
  expect(await refused({ headers: headers ?? {} })).toEqual(wanted);
  expect(backend.connections).toHaveLength(0);
});
