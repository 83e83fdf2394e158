import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { WsBackend } from "../fakes/backends.ts";
import { keyPair } from "../fakes/certificates.ts";
import { WsClient } from "../fakes/clients.ts";
import { ALICE, backendManifest, BOB, keysManifest, proxyManifest } from "../fakes/manifests.ts";
import { freePort, Program, temporaryFolder } from "../fakes/program.ts";
import { STORE_LACKS, StoreServer } from "../store/server.ts";

const POLICIES = `attempts: [{ per: IP, limit: 100000, interval: 1s }]
connections: [{ per: Client, limit: 1000 }]
messages:
  fromClient: [{ per: Connection, limit: 5, interval: 1s, burst: 5, onExceed: Delay }]
messageSize: { fromClient: 1Ki }`;

/**
 * `wsproxy standalone` with two proxies, one of them with TLS and one, if there is a server for it, with a store; and
 * clients that make every metric move.
 */
export class Traffic {
  readonly adminPort: number;
  readonly #folder: string;
  readonly #port: number;

  private constructor(folder: string, ports: { readonly admin: number; readonly plain: number }) {
    this.#folder = folder;
    this.#port = ports.plain;
    this.adminPort = ports.admin;
  }

  static async start(): Promise<Traffic> {
    const traffic = new Traffic(await temporaryFolder(), { admin: await freePort(), plain: await freePort() });
    const backend = await new WsBackend().open();
    onTestFinished(() => backend.close());
    const spec = await storeSpec();
    await traffic.#write("chat.yaml", proxyManifest({ port: traffic.#port, policies: POLICIES, spec }));
    await traffic.#write("secure.yaml", await secureManifest(await freePort()));
    await traffic.#write("backend.yaml", backendManifest(backend.port));
    await traffic.#keys({ alice: ALICE, bob: BOB });
    const args = ["standalone", "-f", traffic.#folder, "--admin-port", String(traffic.adminPort)];
    await new Program(args).says("/metrics");
    return traffic;
  }

  /** Clients connect and leave until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const stays = await this.#client(BOB);
    while (!signal.aborted) {
      await Promise.all([this.#talks(), this.#isTooLong(), this.#isRefused(), this.#losesItsKey()]);
      for (let n = 0; n < 10; n += 1) stays.socket.send("more than the limit admits"); // paused, not closed
    }
    stays.socket.terminate();
  }

  async #talks(): Promise<void> {
    const client = await this.#client(BOB);
    for (const word of ["a", "b", "c"]) client.socket.send(word);
    await client.message(3);
    client.socket.close(1000);
    await client.close();
  }

  async #isTooLong(): Promise<void> {
    const client = await this.#client(BOB);
    client.socket.send("x".repeat(2000));
    await client.close();
  }

  async #isRefused(): Promise<void> {
    await WsClient.open(this.#url, [], { headers: { "x-api-key": "nobodys-key-at-all" } }).catch(() => {}); // 401
  }

  async #losesItsKey(): Promise<void> {
    await this.#keys({ alice: ALICE, bob: BOB });
    const alice = await this.#client(ALICE).catch(() => undefined); // the key is back within a second
    if (alice === undefined) return;
    await this.#keys({ bob: BOB });
    await alice.close();
  }

  get #url(): string {
    return `ws://127.0.0.1:${this.#port}/`;
  }

  #client(key: string): Promise<WsClient> {
    return WsClient.open(this.#url, [], { headers: { "x-api-key": key } });
  }

  #keys(keys: Readonly<Record<string, string>>): Promise<void> {
    return this.#write("keys.yaml", keysManifest(keys));
  }

  #write(name: string, text: string): Promise<void> {
    return writeFile(join(this.#folder, name), text);
  }
}

/** Lines below `spec`: a store, if there is a server for one. */
async function storeSpec(): Promise<string> {
  if (STORE_LACKS !== undefined) return "";
  const store = await StoreServer.start();
  onTestFinished(() => store.close());
  return `store: { address: "${store.address}" }`;
}

async function secureManifest(port: number): Promise<string> {
  const { certificate, privateKey } = await keyPair();
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/tls",
    metadata: { name: "tls", namespace: "demo" },
    stringData: { "tls.crt": certificate, "tls.key": privateKey },
  };
  const routes = [
    { name: "main", backends: [{ service: "echo", port: 80 }], policies: { authentication: { require: "None" } } },
  ];
  const proxy = {
    apiVersion: "wsproxy.dev/v1alpha1",
    kind: "WebSocketProxy",
    metadata: { name: "secure", namespace: "demo" },
    spec: { listener: { port, tls: { secretName: "tls" } }, routes },
  };
  return `${JSON.stringify(secret)}\n---\n${JSON.stringify(proxy)}\n`;
}
