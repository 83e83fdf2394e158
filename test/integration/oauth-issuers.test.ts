import { afterEach, beforeEach, expect, test } from "vitest";
import { REFRESH_INTERVAL } from "../../dataplane/auth/key-set.ts";
import { WsClient } from "../fakes/clients.ts";
import { FakeClock } from "../fakes/clock.ts";
import { IdentityProvider } from "../fakes/idp.ts";
import { bearer, JWT, OAuthBench } from "../fakes/oauth.ts";

/** Two real providers behind one route. */

const TEAM = "urn:team";
const DAY = 86_400;
const REVOKED = { code: 3000, reason: "CredentialRevoked" };

let clock: FakeClock;
let bench: OAuthBench;
let other: IdentityProvider;

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  bench = await new OAuthBench({ [JWT]: { format: "jwt", ttl: DAY, claims: { tenant: 7 } } }, clock).open();
  const claims = { realm_access: { roles: ["user", "chat"] } };
  other = await new IdentityProvider({ [TEAM]: { format: "jwt", ttl: DAY, claims }, [JWT]: { format: "jwt" } }).up();
});

afterEach(async () => {
  await bench.close();
  await other.down();
});

/** Its tokens come in the header. */
const ours = (): object => ({
  issuer: bench.idp.issuer,
  audiences: [JWT],
  jwks: { uri: bench.idp.jwks, allowHttp: true },
  from: [{ header: "authorization" }],
});

/** Its tokens come in the query, and a role in a claim stands for the audience. */
const theirs = (change: object = {}): object => ({
  issuer: other.issuer,
  audiences: [],
  jwks: { uri: other.jwks, allowHttp: true },
  from: [{ query: "token" }],
  requiredClaims: [{ path: ["realm_access", "roles"], values: ["chat"] }],
  ...change,
});

const connectOther = async (): Promise<WsClient> =>
  WsClient.open(bench.gateway.url(`/chat?a=1&token=${await other.token(TEAM)}`));
const causes = (): unknown[] =>
  bench.gateway.lines.flatMap(({ fields }) => (fields as { cause?: unknown }).cause ?? []);

test("each provider's tokens are good in its own places, and reach the backend from none", async () => {
  await bench.serve({ jwt: [ours(), theirs()] });
  await bench.connect(await bench.token(JWT));
  await connectOther();
  expect(bench.handshakes.map(({ url }) => url)).toEqual(["/", "/chat?a=1"]);
  const both = { target: `/?token=${await other.token(TEAM)}`, ...bearer(await bench.token(JWT)) };
  expect((await bench.refused(both)).reason).toBe("AmbiguousCredential");
  expect(bench.handshakes[0]?.headers["x-tenant"]).toBe("7");
});

test("a token in a place of the other provider, of neither, or without its claim is refused, and the log says why", async () => {
  await bench.serve({ jwt: [ours(), theirs()] });
  const [good, team, plain] = [await bench.token(JWT), await other.token(TEAM), await other.token(JWT)];
  expect((await bench.refused(bearer(team))).reason).toBe("CredentialInvalid");
  expect((await bench.refused({}, `/?token=${good}`)).reason).toBe("CredentialInvalid");
  expect((await bench.refused({}, `/?token=${plain}`)).reason).toBe("ClaimMismatch");
  await bench.serve({ jwt: [ours()] });
  const { reason, headers } = await bench.refused(bearer(team));
  expect(reason).toBe("CredentialInvalid");
  expect(headers.get("www-authenticate")).toContain("Bearer");
  expect(causes()).toEqual([
    `the issuer "${other.issuer}" has no tokens in header authorization`,
    `the issuer "${bench.idp.issuer}" has no tokens in query token`,
    'the claim "realm_access.roles" has none of the values that are required',
    `the issuer is "${other.issuer}", which the route does not accept`,
  ]);
  expect(JSON.stringify(bench.gateway.lines)).not.toContain(team.slice(-20));
});

test("a session ends with its own provider's entry; order and other entries do not matter", async () => {
  await bench.serve({ jwt: [ours()] });
  const first = await bench.connect(await bench.token(JWT));
  await bench.serve({ jwt: [theirs(), ours()] });
  const second = await connectOther();
  await bench.serve({ jwt: [ours(), theirs({ from: [{ cookie: "token" }] })] });
  expect(bench.gateway.sessions).toBe(2);
  await bench.serve({ jwt: [ours()] });
  expect(await second.close()).toEqual(REVOKED);
  first.socket.send("lives");
  expect(await first.message()).toBe("lives");
  await bench.serve({ jwt: [theirs()] });
  expect(await first.close()).toEqual(REVOKED);
});

test("a provider that removes its keys ends its own sessions only", async () => {
  await bench.serve({ jwt: [ours(), theirs()] });
  const [first, second] = [await bench.connect(await bench.token(JWT)), await connectOther()];
  other.rotate();
  await bench.pass(REFRESH_INTERVAL * 1.1);
  expect(await second.close()).toEqual(REVOKED);
  await bench.left(1);
  first.socket.send("lives");
  expect(await first.message()).toBe("lives");
});
