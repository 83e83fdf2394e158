import { get } from "node:http";
import { isIPv6 } from "node:net";
import type { Clock } from "../runtime/clock.ts";

/** What a pod says of the config that it serves. */
export interface PodReport {
  readonly hash: string;
  readonly endpointsHash: string;
}

/** Asks a pod, by its address, what it serves of a proxy; undefined: no usable answer. */
export type AskPod = (address: string, proxy: string, signal: AbortSignal) => Promise<PodReport | undefined>;

/** Milliseconds for a pod's answer. */
const PATIENCE = 500;
/** Bytes; a thousand routes are told in less. */
const LONGEST = 16 * 1024 * 1024;

/** Asks pods at `/config` on this port. */
export function askPods(port: number, clock: Clock): AskPod {
  return async (address, proxy, signal) => {
    const over = new AbortController();
    const timer = clock.after(PATIENCE, () => over.abort());
    try {
      const host = isIPv6(address) ? `[${address}]` : address;
      const text = await body(`http://${host}:${port}/config`, AbortSignal.any([over.signal, signal]));
      return reportIn(text, proxy);
    } catch {
      return undefined; // it is asked again, and the status says which pod is silent
    } finally {
      timer.cancel();
    }
  };
}

function body(url: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal, agent: false }, (response) => {
      if (response.statusCode !== 200) return void request.destroy(new Error("not 200"));
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > LONGEST) request.destroy(new Error("too long"));
      });
      response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}

function reportIn(text: string, proxy: string): PodReport | undefined {
  const answer: unknown = JSON.parse(text);
  const own = (Array.isArray(answer) ? answer : []).find((one: unknown) => isReport(one) && one.proxy === proxy) as
    | (PodReport & { readonly proxy: string })
    | undefined;
  return own === undefined ? undefined : { hash: own.hash, endpointsHash: own.endpointsHash };
}

function isReport(value: unknown): value is PodReport & { readonly proxy: unknown } {
  const { hash, endpointsHash } = (value ?? {}) as Record<string, unknown>;
  return typeof hash === "string" && typeof endpointsHash === "string";
}
