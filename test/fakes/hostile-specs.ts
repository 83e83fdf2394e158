import type { ApiObject } from "./api-server-store.ts";

/** What fills a spec. */
export type Filling = "honest" | "hosts" | "policies";

/** A WebSocketProxy: an ordinary one, or one of 1.4 MB that names every large object of its namespace. */
export function proxyWith(key: string, filling: Filling): ApiObject {
  const [namespace = "", name = ""] = key.split("/");
  const spec = filling === "honest" ? honest(name) : hostile(filling, name);
  return { apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", metadata: { name, namespace }, spec };
}

function honest(name: string): object {
  const authentication = { apiKey: { secretSelector: { matchLabels: { keys: name } } } };
  return { routes: [{ name: "main", backends: [{ service: "echo", port: 80 }], policies: { authentication } }] };
}

function hostile(filling: "hosts" | "policies", name: string): object {
  const authentication = {
    require: "Any",
    apiKey: { secretSelector: { matchLabels: { keys: "hostile" } } },
    jwt: [{ issuer: "https://idp.example.com/", audiences: [name], jwks: { configMapName: "key-set" } }],
  };
  const routes = Array.from({ length: 1000 }, (_, at) => ({
    name: `r${at}`,
    path: { value: `/r${at}` },
    backends: [{ service: at === 0 ? "wide" : "echo", port: 80 }],
    ...(filling === "hosts" ? { hostnames: hosts(at) } : { policies: policies(at) }),
  }));
  return { policies: { authentication }, routes };
}

function hosts(at: number): string[] {
  return Array.from({ length: 58 }, (_, host) => `h${at}x${host}.example.com`);
}

function policies(at: number): object {
  const allow = Array.from({ length: 33 }, (_, origin) => `https://a${at}x${origin}.example.com`);
  return {
    attempts: [{ per: "IP", limit: 20 + at, interval: "1m" }],
    messages: { fromClient: [{ per: "Connection", limit: 20 + at, interval: "1s" }] },
    origins: { allow },
    deny: { clients: [`c${at}`] },
  };
}
