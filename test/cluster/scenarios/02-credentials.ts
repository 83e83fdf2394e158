import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { keyOf } from "../../fakes/api-keys.ts";
import { reached } from "../dataplane.ts";
import { ClusterIdp } from "../idp.ts";
import { scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import { sampleBackend } from "../workloads.ts";

const LABELS = { "wsproxy.dev/api-keys": "e2e" };
const REVOKED = Array.from({ length: 20 }, (_, index) => `revoked-${index + 1}`);
/** From now to when a key expires, in ms: until then every pod has heard of it. */
const EXPIRY = 8000;
const JWT = "urn:e2e:jwt";
const OPAQUE = "urn:e2e:opaque";

/** The API key of one client, in a Secret of its own. */
function keySecret(client: string): object {
  const stringData = { [client]: keyOf(client) };
  return { apiVersion: "v1", kind: "Secret", metadata: { name: `key-${client}`, labels: LABELS }, stringData };
}

function spec(issuer: string, deny: object): object {
  const tokens = { from: [{ header: "authorization" }] };
  const jwt = {
    issuer,
    audiences: [JWT],
    jwks: { uri: `${issuer}/jwks`, allowHttp: true },
    clientClaim: "client_id",
    ...tokens,
  };
  const introspection = {
    endpoint: `${issuer}/token/introspection`,
    allowHttp: true,
    credentialsSecretName: "introspection",
    cache: "1s",
    recheck: "2s",
    ...tokens,
  };
  const route = (name: string, authentication: object): object => ({
    name,
    path: { value: `/${name}` },
    rewrite: { path: "/" },
    backends: [{ service: "sample-backend", port: "ws" }],
    policies: { authentication, deny },
  });
  return {
    dataplane: { drain: { period: "2s" } },
    routes: [
      route("keys", { apiKey: { secretSelector: { matchLabels: LABELS } } }),
      route("jwt", { jwt: [jwt] }),
      route("opaque", { introspection }),
    ],
  };
}

export default scenario(
  "credentials: accepted, refused, and taken away from live sessions",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    const namespace = await cluster.namespace("credentials");
    await cluster.apply(namespace, ...sampleBackend());
    const idp = await report.step("an OAuth server runs in the cluster", () =>
      ClusterIdp.start(cluster, namespace, { [JWT]: { format: "jwt" }, [OPAQUE]: { format: "opaque" } }),
    );
    await cluster.apply(namespace, ...["alice", "bob", "carol", "mallory", ...REVOKED].map(keySecret), {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/basic-auth",
      metadata: { name: "introspection", labels: { "wsproxy.dev/use": "true" } },
      stringData: { username: "gateway", password: "gateway-secret" },
    });
    await cluster.rolledOut(namespace, "sample-backend");
    const url = await cluster.proxy(namespace, "credentials", spec(idp.issuer, {}));
    const withKey = (client: string, key = keyOf(client)): Promise<Session> =>
      ledger.open(`${url}/keys`, { as: client, headers: { "x-api-key": key } });
    const refusal = (path: string, headers: Record<string, string> = {}): Promise<string> =>
      ledger.dial(url + path, { as: "refused", headers }).refused();
    await reached(cluster, namespace, "credentials", 2, () => withKey("alice"));
    const bystander = (await withKey("alice")).talk(100);

    await report.step("a key is accepted; a missing and a wrong one are not", async () => {
      await (await withKey("bob")).echo("hello");
      assert.equal(await refusal("/keys"), "401 CredentialMissing");
      assert.equal(await refusal("/keys", { "x-api-key": "not-any-client's-key-0000" }), "401 CredentialInvalid");
    });

    await report.step(
      "a key that an annotation lets expire ends its session, and is refused from then on",
      async () => {
        const session = await withKey("carol");
        const at = new Date(Date.now() + EXPIRY);
        await cluster.kubectl(
          "-n",
          namespace,
          "annotate",
          "secret",
          "key-carol",
          `wsproxy.dev/expires-at=${at.toISOString()}`,
        );
        const { code, text, at: ended } = await session.ended(2 * EXPIRY);
        assert.deepEqual([code, text], [3000, "CredentialExpired"]);
        assert.ok(ended >= at.getTime() - 100, "it ended before its time");
        report.figure("expiry by annotation to the Close", `${ended - at.getTime()} ms after the time`);
        assert.equal(await refusal("/keys", { "x-api-key": keyOf("carol") }), "401 CredentialExpired");
      },
    );

    await report.step("a Secret that is deleted ends its client's session with 3000, within 5 s", async () => {
      const sessions = await Promise.all(REVOKED.map((client) => withKey(client)));
      // The kubelet syncs a pod once a second at most: what follows at once waits for that, what comes alone does not.
      const times: { alone: number[]; hurried: number[] } = { alone: [], hurried: [] };
      for (const [index, session] of sessions.entries()) {
        const alone = index < sessions.length / 2;
        if (alone) await sleep(1000 + Math.random() * 1000);
        const deleted = Date.now();
        await cluster.kubectl("-n", namespace, "delete", "secret", `key-${session.entry.as}`);
        const { code, text, at } = await session.ended();
        assert.deepEqual([code, text], [3000, "CredentialRevoked"]);
        times[alone ? "alone" : "hurried"].push(at - deleted);
      }
      const found = [
        report.times("kubectl delete secret to the Close", times.alone),
        report.times("the same, one right after the other", times.hurried),
      ];
      for (const { p99 } of found) assert.ok(p99 <= 5000, `p99 ${p99} ms`);
      assert.match(await refusal("/keys", { "x-api-key": keyOf("revoked-1") }), /^401 Credential(Invalid|Revoked)$/);
    });

    await report.step("the sessions of a denied client are closed, all others stay", async () => {
      const session = await withKey("mallory");
      await cluster.proxy(namespace, "credentials", spec(idp.issuer, { clients: ["mallory"] }));
      const { code, text } = await session.ended();
      assert.deepEqual([code, text], [3003, "Denied"]);
      assert.equal(await refusal("/keys", { "x-api-key": keyOf("mallory") }), "403 Denied");
    });

    await report.step("a JWT of the server in the cluster is accepted; a forged one is not", async () => {
      const token = await idp.token(JWT);
      const session = await ledger.open(`${url}/jwt/headers`, {
        as: "jwt",
        greetings: 1,
        headers: { authorization: `Bearer ${token}` },
      });
      assert.match(await session.message(), /"x-wsproxy-client","app"/i);
      const forged = `${token.slice(0, -8)}AAAAAAAA`;
      assert.equal(await refusal("/jwt", { authorization: `Bearer ${forged}` }), "401 CredentialInvalid");
      assert.equal(await refusal("/jwt"), "401 CredentialMissing");
    });

    await report.step("an opaque token that is revoked at the server ends its session", async () => {
      const token = await idp.token(OPAQUE);
      const session = await ledger.open(`${url}/opaque`, {
        as: "opaque",
        headers: { authorization: `Bearer ${token}` },
      });
      await session.echo("hello");
      const revoked = Date.now();
      await idp.revoke(token);
      const { code, text, at } = await session.ended();
      assert.deepEqual([code, text], [3000, "CredentialRevoked"]);
      report.figure("revocation at the OAuth server to the Close (recheck 2s)", `${at - revoked} ms`);
      assert.ok(at - revoked < 7000, `${at - revoked} ms`);
    });

    await report.step("no other session was cut off, and no message was lost", async () => {
      assert.ok(bystander.isOpen);
      await bystander.close();
      assert.deepEqual(ledger.disorder(), []);
      const unexpected = ledger.ended.filter(({ closed }) => closed.code === 1006);
      assert.deepEqual(unexpected, []);
    });
  },
);
