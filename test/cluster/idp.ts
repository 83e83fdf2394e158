import { join } from "node:path";
import { rolldown } from "rolldown";
import type { Resource } from "../fakes/idp.ts";
import type { Cluster } from "./cluster.ts";
import { ours } from "./workloads.ts";

const NAME = "idp";
const PORT = 9400;
/** The clients that the server knows: see fakes/idp.ts. */
const APP = "Basic " + btoa("app:app-secret");

/** A real OAuth server in the cluster, in a pod of our image: the program comes out of a ConfigMap. */
export class ClusterIdp {
  /** As the gateway knows it. */
  readonly issuer: string;
  readonly #address: string;

  private constructor(issuer: string, address: string) {
    this.issuer = issuer;
    this.#address = address;
  }

  static async start(cluster: Cluster, namespace: string, resources: Record<string, Resource>): Promise<ClusterIdp> {
    const host = `${NAME}.${namespace}.svc.cluster.local`;
    const labels = { app: NAME };
    const args = ["/program/idp.mjs", host, String(PORT), JSON.stringify(resources)];
    const container = {
      ...ours("idp", PORT, ...args),
      command: ["node"],
      readinessProbe: { httpGet: { path: "/jwks", port: "ws" }, periodSeconds: 1 },
      volumeMounts: [{ name: "program", mountPath: "/program", readOnly: true }],
    };
    const volumes = [{ name: "program", configMap: { name: NAME } }];
    const spec = {
      containers: [container],
      volumes,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 2,
    };
    await cluster.apply(
      namespace,
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: NAME }, data: { "idp.mjs": await program() } },
      { apiVersion: "v1", kind: "Pod", metadata: { name: NAME, labels }, spec },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: NAME },
        spec: { selector: labels, ports: [{ port: PORT, targetPort: "ws" }] },
      },
    );
    await cluster.kubectl("-n", namespace, "wait", "--for=condition=Ready", `pod/${NAME}`, "--timeout=60s");
    return new ClusterIdp(`http://${host}:${PORT}`, await cluster.address(namespace, NAME));
  }

  /** A token for a resource. */
  async token(resource: string): Promise<string> {
    const form = { grant_type: "client_credentials", resource, scope: "chat:connect" };
    const answer = JSON.parse(await this.#post("/token", form)) as { access_token?: string };
    if (answer.access_token === undefined) throw new Error(JSON.stringify(answer));
    return answer.access_token;
  }

  async revoke(token: string): Promise<void> {
    await this.#post("/token/revocation", { token });
  }

  async #post(path: string, form: Record<string, string>): Promise<string> {
    const response = await fetch(`http://${this.#address}${path}`, {
      method: "POST",
      headers: { authorization: APP },
      body: new URLSearchParams(form),
    });
    return response.text();
  }
}

/** The server with all that it needs, as one file. */
async function program(): Promise<string> {
  const bundle = await rolldown({
    input: join(import.meta.dirname, "idp-main.ts"),
    platform: "node",
    logLevel: "silent", // it is others' code that is bundled
  });
  // Names stay: the provider looks up how long a token lives by the name of its class.
  const { output } = await bundle.generate({
    format: "esm",
    minify: { compress: { keepNames: { function: true, class: true } }, mangle: { keepNames: true }, codegen: true },
    codeSplitting: false,
  });
  await bundle.close();
  return output[0].code;
}
