import type { IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";
import type { Call, Watcher } from "../../operator/kube/call.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import type { Log } from "../../runtime/log.ts";
import { FakeApiServer } from "./api-server.ts";
import type { ApiObject } from "./api-server-store.ts";
import { FakeClock } from "./clock.ts";

/** A call as it began. */
interface Begun {
  readonly call: Call;
  readonly at: number;
}

/** The real client, whose calls a test can count and time. */
class RecordingClient implements Watcher {
  readonly begun: Begun[] = [];
  /** Calls without an answer yet; a watch counts until the response head. */
  underWay = 0;
  readonly #client: KubeClient;
  readonly #clock: FakeClock;

  constructor(client: KubeClient, clock: FakeClock) {
    this.#client = client;
    this.#clock = clock;
  }

  request<T>(call: Call): Promise<T> {
    return this.#record(call, this.#client.request<T>(call));
  }

  stream(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    return this.#record(call, this.#client.stream(call, signal));
  }

  async #record<T>(call: Call, answer: Promise<T>): Promise<T> {
    this.begun.push({ call, at: this.#clock.now() });
    this.underWay += 1;
    return answer.finally(() => (this.underWay -= 1));
  }
}

export interface KubeBench {
  readonly server: FakeApiServer;
  readonly clock: FakeClock;
  readonly client: KubeClient;
  readonly recording: RecordingClient;
  readonly log: Log;
  /** `level message` of every line. */
  readonly lines: string[];
}

/** A scripted API server with a client on it, with a clock of the test; both end with the test. */
export async function kubeBench(admit?: (object: ApiObject) => ApiObject): Promise<KubeBench> {
  const server = await FakeApiServer.start(admit);
  const clock = new FakeClock();
  const client = new KubeClient(server.kubeConfig(), clock);
  onTestFinished(() => client.close());
  const { log, lines } = recordedLog();
  return { server, clock, client, recording: new RecordingClient(client, clock), log, lines };
}

/** A log as lines of `level message`. */
export function recordedLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const line = (level: string) => (_: unknown, message: string) => void lines.push(`${level} ${message}`);
  return { log: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") }, lines };
}

/** A ConfigMap. */
export function configMap(
  name: string,
  data: Record<string, string> = {},
  labels: Record<string, string> = {},
): ApiObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "demo", labels }, data };
}
