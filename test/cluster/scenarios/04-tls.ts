import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { keyOf } from "../../fakes/api-keys.ts";
import { Authority } from "../../fakes/certificates.ts";
import { metric } from "../admin-port.ts";
import type { Cluster } from "../cluster.ts";
import { dataplanePods, reached } from "../dataplane.ts";
import { moment } from "../moment.ts";
import { scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import { tlsBackend } from "../tls-backend.ts";
import { apiKeys, byApiKey, sampleBackend, tlsSecret } from "../workloads.ts";

const HOST = "chat.test";
const BACKEND = "echo.internal";
const SESSIONS = 50;
const ROTATIONS = 10;

function spec(): object {
  const route = (name: string, backend: object): object => ({
    name,
    path: { value: `/${name}` },
    backends: [backend],
  });
  const secure = (port: string, tls: object): object => ({ service: "secure-backend", port, tls });
  const own = { serverName: BACKEND, caSecretName: "own-ca" };
  return {
    gateway: { replicas: 2 },
    listener: { tls: { secretName: "listener" } },
    dataplane: { drain: { period: "2s" } },
    policies: byApiKey,
    routes: [
      route("plain", { service: "sample-backend", port: "ws" }),
      route("own-ca", secure("https", own)),
      route("wrong-ca", secure("https", { ...own, caSecretName: "wrong-ca" })),
      route("public-roots", secure("https", { serverName: BACKEND })),
      route("wrong-name", secure("https", { caSecretName: "own-ca" })),
      route("with-certificate", secure("mutual", { ...own, clientSecretName: "gateway-client" })),
      route("without-certificate", secure("mutual", own)),
    ],
  };
}

const caSecret = (name: string, ...authorities: readonly Authority[]): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  data: { "ca.crt": btoa(authorities.map(({ ca }) => `${ca}\n`).join("")) },
});

export default scenario("TLS: to clients, rotated under open sessions, and to backends", async (cluster, report) => {
  const { ledger } = cluster;
  await cluster.install();
  const namespace = await cluster.namespace("tls");
  const [authority, own, other] = await Promise.all(
    ["clients trust it", "signs for backends", "signs for no end"].map((name) => Authority.create(name)),
  );
  assert.ok(authority && own && other);
  const pair = (days: number): ReturnType<Authority["issue"]> =>
    authority.issue({ names: [HOST], notAfter: new Date(Date.now() + days * 86_400_000) });
  let current = await pair(30);
  await cluster.apply(
    namespace,
    ...sampleBackend(),
    ...(await tlsBackend("secure-backend", BACKEND, own)),
    ...[apiKeys("keys", ["alice"]), caSecret("own-ca", own), caSecret("wrong-ca", other)],
    ...[tlsSecret("listener", current), tlsSecret("gateway-client", await own.issue({ names: ["gateway"] }))],
  );
  await cluster.rolledOut(namespace, "sample-backend", "secure-backend");
  const address = await report.step("a proxy listens for wss alone, on port 443 of its Service", async () => {
    const [, found = ""] = (await cluster.proxy(namespace, "tls", spec())).split("//");
    assert.match(found, /:443$/);
    return found;
  });
  const dial = (path: string, host = address): Session =>
    ledger.dial(`wss://${host}/${path}`, {
      as: `alice ${path}`,
      headers: { "x-api-key": keyOf("alice") },
      ca: authority.ca,
      servername: HOST,
    });
  const open = (path: string, host?: string): Promise<Session> => dial(path, host).opened();
  await reached(cluster, namespace, "tls", 2, () => open("plain"));
  /** The certificate that a new client is shown. */
  const shown = async (host?: string): Promise<string | undefined> => {
    const session = await open("plain", host);
    await session.close();
    return session.entry.certificate;
  };

  const sessions = await report.step(`${SESSIONS} clients verify its certificate and talk`, async () => {
    const all = await Promise.all(Array.from({ length: SESSIONS }, () => open("plain")));
    for (const { entry } of all) assert.equal(entry.certificate, fingerprintOf(current));
    for (const session of all) session.talk(200);
    await assert.rejects(ledger.open(`ws://${address}/plain`, { as: "without TLS" }), /no answer/);
    return all;
  });

  await report.step(`${ROTATIONS} rotations: a new client gets the new certificate, from every pod`, async () => {
    const times: number[] = [];
    for (let count = 1; count <= ROTATIONS; count += 1) {
      current = await pair(30 + count);
      await moment(count, cluster.signal);
      const fingerprint = fingerprintOf(current);
      const applied = Date.now();
      await cluster.apply(namespace, tlsSecret("listener", current));
      for (const host of await podAddresses(cluster, namespace))
        await cluster.until("it shows the new one", async () => (await shown(host)) === fingerprint, 5000);
      times.push(Date.now() - applied);
      assert.equal(await shown(), fingerprint);
    }
    const { max } = report.times("kubectl apply to the new certificate on every pod", times);
    assert.ok(max <= 5000, `${max} ms`);
    const expiry = await metric(cluster, [namespace, "tls"], "wsproxy_certificate_expiry_timestamp_seconds");
    assert.equal(expiry, (2 * Date.parse(new X509Certificate(current.certificate).validTo)) / 1000);
  });

  await report.step("a key that does not fit is reported, and the last good pair stays", async () => {
    const unfit = { certificate: (await pair(90)).certificate, privateKey: current.privateKey };
    await cluster.apply(namespace, tlsSecret("listener", unfit));
    await cluster.kubectl("-n", namespace, "wait", "--for=condition=ResolvedRefs=False", "wsp/tls", "--timeout=30s");
    for (const host of await podAddresses(cluster, namespace)) assert.equal(await shown(host), fingerprintOf(current));
    await cluster.apply(namespace, tlsSecret("listener", current));
    await cluster.condition(namespace, "tls", "ResolvedRefs");
  });

  await report.step("no session was dropped, and no message was lost", async () => {
    for (const session of sessions) {
      session.silence();
      assert.ok(session.isOpen);
      await session.message(session.entry.sent.length);
    }
    assert.deepEqual(ledger.disorder(), []);
    const total = sessions.reduce((sum, { entry }) => sum + entry.received.length, 0);
    report.figure("messages echoed under rotations", `${total} in ${SESSIONS} sessions`);
  });

  const secure = await report.step(
    "a backend with a certificate of its own authority is dialled by https",
    async () => {
      const session = await open("own-ca");
      await session.echo("through two times TLS");
      return session;
    },
  );

  await report.step("wrong authority, public roots and wrong name are refused with 502", async () => {
    for (const path of ["wrong-ca", "public-roots", "wrong-name"])
      assert.equal(await dial(path).refused(), "502 BackendUnreachable", path);
  });

  await report.step("a backend that asks for a certificate gets the gateway's", async () => {
    await (await open("with-certificate")).echo("hello");
    assert.match(await dial("without-certificate").refused(), /^502 Backend/);
  });

  await report.step("another authority decides about new sessions, and both while it changes", async () => {
    const waitFor = async (state: string, ...authorities: readonly Authority[]): Promise<void> => {
      await cluster.apply(namespace, caSecret("own-ca", ...authorities));
      await cluster.until(`a new client: ${state}`, async () => {
        const found = await Promise.all(
          (await podAddresses(cluster, namespace)).map((host) =>
            open("own-ca", host).then(
              async (session) => (await session.close(), "in"),
              ({ message }: Error) => message,
            ),
          ),
        );
        return found.every((one) => one === state);
      });
    };
    await waitFor("refused: 502 BackendUnreachable", other);
    await secure.echo("an open session stays");
    await waitFor("in", other, own);
    await secure.echo("still");
  });
});

function fingerprintOf({ certificate }: { readonly certificate: string }): string {
  return new X509Certificate(certificate).fingerprint256;
}

/** Where each pod's listener is. */
async function podAddresses(cluster: Cluster, namespace: string): Promise<string[]> {
  return (await dataplanePods(cluster, namespace, "tls")).map(({ status }) => `${status?.podIP}:8443`);
}
