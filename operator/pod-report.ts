import { get } from "node:http";
import type { Clock } from "../runtime/clock.ts";
import { hostPort } from "../runtime/host-port.ts";

/** What a pod says of the config that it serves. */
export interface PodReport {
  /** undefined: it serves none. */
  readonly hash: string | undefined;
  readonly endpointsHash: string | undefined;
  /** The config that came last, where the pod refused it. */
  readonly rejected: PodRejection | undefined;
}

export interface PodRejection {
  readonly hash: string;
  readonly stage: "config" | "listener";
  readonly problems: readonly string[];
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
      const text = await body(`http://${hostPort(address, port)}/config`, AbortSignal.any([over.signal, signal]));
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
      if (response.statusCode !== 200) {
        request.destroy(new Error("not 200"));
        return;
      }
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
  const own: unknown = (Array.isArray(answer) ? answer : []).find((one: unknown) => fieldsOf(one)["proxy"] === proxy);
  if (own === undefined) return undefined;
  const { hash, endpointsHash, rejected } = fieldsOf(own);
  return {
    hash: typeof hash === "string" ? hash : undefined,
    endpointsHash: typeof endpointsHash === "string" ? endpointsHash : undefined,
    rejected: rejectionIn(rejected),
  };
}

function rejectionIn(value: unknown): PodRejection | undefined {
  const { hash, stage, problems } = fieldsOf(value);
  if (typeof hash !== "string" || (stage !== "config" && stage !== "listener") || !Array.isArray(problems))
    return undefined;
  return { hash, stage, problems: problems.map(String) };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
