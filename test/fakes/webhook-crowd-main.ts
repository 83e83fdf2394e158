import { Agent, request } from "node:https";
import { workerData } from "node:worker_threads";

// Callers of a webhook that never pause, in a thread of their own.

const { port, localAddress, callers, body } = workerData as {
  readonly port: number;
  readonly localAddress: string;
  readonly callers: number;
  readonly body: string;
};
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };

function call(): void {
  const sent = request({ host: "127.0.0.1", port, localAddress, agent, method: "POST", path: "/inject", headers });
  sent.on("error", () => {});
  sent.on("response", (response) => response.resume());
  sent.on("close", call);
  sent.end(body);
}

for (let n = 0; n < callers; n += 1) call();
