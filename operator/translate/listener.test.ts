import { beforeAll, describe, expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { keyPair } from "../../test/fakes/certificates.ts";
import { proxy, secret, translated } from "../../test/fakes/resources.ts";
import type { Resources, Secret } from "./resources.ts";

let tlsSecret: (name: string) => Secret;
let broken: Secret;

beforeAll(async () => {
  const [pair, other] = await Promise.all([keyPair(), keyPair()]);
  const secretOf = (name: string, certificate: string): Secret =>
    secret(name, { "tls.crt": certificate, "tls.key": pair.privateKey }, { type: "kubernetes.io/tls" });
  tlsSecret = (name) => secretOf(name, pair.certificate);
  broken = secretOf("typo", other.certificate);
});

const tls = (secretName: string, port?: number) => ({ tls: { secretName }, ...(port === undefined ? {} : { port }) });

/** Generation 1 in force, with its Secret `good`. */
const inForce = (spec: object = {}): Config | undefined =>
  translated({ proxy: proxy(spec), secrets: [tlsSecret("good")] }).config;

const edited = (spec: object, before: Config | undefined, more: Partial<Resources> = {}) =>
  translated({ proxy: proxy(spec, 2), secrets: [tlsSecret("good")], ...more }, before);

const shape = ({ config, infra }: ReturnType<typeof translated>) => ({
  port: config?.listener.port,
  secret: config?.listener.tls === undefined ? "none" : config.listener.tls.secretName,
  hasKeys: config?.listener.tls?.keyPair !== undefined,
  pods: infra?.listenerPort,
  service: infra?.servicePort,
});

const PLAIN = { port: 8080, secret: "none", hasKeys: false, pods: 8080, service: 80 };
const WSS = { port: 8443, secret: "good", hasKeys: true, pods: 8443, service: 443 };

describe("with plain ws in force, TLS with a certificate that is", () => {
  test.each<[string, () => Partial<Resources>]>([
    ["missing", () => ({})],
    ["of the wrong type", () => ({ secrets: [secret("typo", { "tls.crt": "a", "tls.key": "b" })] })],
    ["without a key", () => ({ secrets: [secret("typo", { "tls.crt": "a" }, { type: "kubernetes.io/tls" })] })],
    ["not that of its key", () => ({ secrets: [broken] })],
    ["not readable", () => ({ unread: [unread("typo")] })],
  ])("%s changes neither the listener nor what leads to it, and says so", (_, more) => {
    const result = edited({ listener: tls("typo") }, inForce(), more());
    expect(shape(result)).toEqual(PLAIN);
    expect(result.config?.proxy.generation).toBe(2);
    const refs = result.status.conditions.find(({ type }) => type === "ResolvedRefs");
    expect(refs?.status).toBe("False");
    expect(refs?.message).toMatch(
      /\. Until then the listener stays as it was \(ws, port 8080\), and the Service leads to it$/,
    );
  });

  test("missing leaves new pods of mode Sidecar the listener in force, and says so", () => {
    const sidecar = { mode: "Sidecar", sidecar: { selector: { matchLabels: { app: "chat" } } } };
    const { config, sidecar: pods, status } = edited({ ...sidecar, listener: tls("typo") }, inForce(sidecar));
    expect([config?.listener.port, pods?.listenerPort]).toEqual([8080, 8080]);
    const refs = status.conditions.find(({ type }) => type === "ResolvedRefs");
    expect(refs?.message).toMatch(/\. Until then the listener stays as it was \(ws, port 8080\), in new pods, too$/);
  });

  test("missing and a port of the same edit change nothing, even a Service port that is written", () => {
    const spec = { listener: tls("typo", 9443), gateway: { service: { port: 443 } } };
    const serviceInForce = { type: "ClusterIP", port: 80 } as const;
    expect(shape(edited(spec, inForce(), { serviceInForce }))).toEqual(PLAIN);
  });

  test("missing does not show the listener to more clients, and not to clients that it was shown to no more", () => {
    const types = (wished: string, type: "ClusterIP" | "LoadBalancer") =>
      edited({ listener: tls("typo"), gateway: { service: { type: wished } } }, inForce(), {
        serviceInForce: { type, port: 80 },
      }).infra?.gateway?.service.type;
    expect(types("LoadBalancer", "ClusterIP")).toBe("ClusterIP");
    expect(types("ClusterIP", "LoadBalancer")).toBe("ClusterIP");
    expect(types("LoadBalancer", "LoadBalancer")).toBe("LoadBalancer");
  });

  test("missing leaves the rest of the edit in force, later edits too", () => {
    const first = edited({ listener: tls("typo") }, inForce());
    const denied = { authentication: { require: "None" }, deny: { addresses: ["10.0.0.1"] } };
    const spec = { listener: { ...tls("typo"), trustedProxies: ["10.1.0.0/16"] }, policies: denied };
    const second = edited(spec, first.config);
    expect(shape(second)).toEqual(PLAIN);
    expect(second.config?.listener.trustedProxies).toEqual(["10.1.0.0/16"]);
    expect(second.config?.policies.deny?.[0]?.addresses).toEqual(["10.0.0.1"]);
  });

  test("found later puts the listener of the spec in force, and everything follows", () => {
    const waiting = edited({ listener: tls("later") }, inForce());
    const secrets = [tlsSecret("later")];
    const serviceInForce = { type: "ClusterIP", port: 80 } as const;
    expect(shape(edited({ listener: tls("later") }, waiting.config, { secrets, serviceInForce }))).toEqual({
      ...WSS,
      secret: "later",
    });
  });

  test("missing, taken back, is plain ws as before", () => {
    const waiting = edited({ listener: tls("typo") }, inForce());
    expect(shape(edited({ listener: { port: 8081 } }, waiting.config))).toEqual({ ...PLAIN, port: 8081, pods: 8081 });
  });

  test("missing leaves a Service port alone that is written and was before", () => {
    const gateway = { service: { port: 9000 } };
    expect(shape(edited({ listener: tls("typo"), gateway }, inForce({ gateway })))).toEqual({
      ...PLAIN,
      service: 9000,
    });
  });
});

describe("with wss in force", () => {
  test("another Secret that is missing leaves the listener with the current certificate of the Secret before", () => {
    const result = edited({ listener: tls("typo", 9443) }, inForce({ listener: tls("good") }));
    expect(shape(result)).toEqual(WSS);
    expect(result.status.conditions[1]?.message).toContain("stays as it was (wss with Secret good, port 8443)");
    const gone = edited({ listener: tls("typo") }, inForce({ listener: tls("good") }), { secrets: [] });
    expect(shape(gone)).toEqual(WSS);
    expect(gone.config?.listener.tls?.keyPair).toEqual(result.config?.listener.tls?.keyPair);
  });

  test("a Secret that is deleted leaves its certificate, and the port can change", () => {
    const before = inForce({ listener: tls("good") });
    expect(shape(edited({ listener: tls("good", 9443) }, before, { secrets: [] }))).toEqual({
      ...WSS,
      port: 9443,
      pods: 9443,
    });
  });

  test("TLS that is switched off is off at once", () => {
    expect(shape(edited({}, inForce({ listener: tls("good") })))).toEqual(PLAIN);
  });
});

describe("with nothing in force, TLS without a certificate", () => {
  const waiting = { port: 8443, secret: "typo", hasKeys: false, pods: 8443, service: 443 };

  test("is never plain ws: config, pods and Service are for wss, and no pod can open it", () => {
    const first = translated({ proxy: proxy({ listener: tls("typo") }) });
    expect(shape(first)).toEqual(waiting);
    expect(first.status.conditions[1]?.message).not.toContain("stays as it was");
    expect(shape(edited({ listener: tls("typo") }, first.config))).toEqual(waiting);
  });

  test("follows the next edit, another name or another port", () => {
    const first = translated({ proxy: proxy({ listener: tls("typo") }) });
    expect(shape(edited({ listener: tls("other", 9443) }, first.config))).toEqual({
      ...waiting,
      secret: "other",
      port: 9443,
      pods: 9443,
    });
    expect(shape(edited({}, first.config))).toEqual(PLAIN);
  });
});

test("a spec that is not accepted leaves pods and Service alone, whatever its listener", () => {
  const result = edited({ listener: tls("typo"), policies: { timeouts: { idle: "never" } } }, inForce());
  expect(result.infra).toBeUndefined();
  expect(result.config?.listener).toEqual(inForce()?.listener);
});

function unread(name: string): NonNullable<Resources["unread"]>[number] {
  return {
    kind: "Secret",
    metadata: { namespace: "demo", name, labels: {} },
    forbidden: true,
    words: "secrets is forbidden",
  };
}
