import { Duplex, PassThrough, Writable } from "node:stream";
import type { KubeConfig } from "@kubernetes/client-node";
import { WebSocketHandler } from "@kubernetes/client-node/dist/web-socket-handler.js";
import { ApiError } from "./api-error.ts";
import { within } from "./deadline.ts";
import { KINDS, pathOf } from "./kinds.ts";

/** A port of a pod. */
export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** The pod's node could not reach the port: no process listens there, or the pod has ended. */
export class PortUnreachable extends Error {
  override readonly name = "PortUnreachable";
}

/** Characters that are kept of what a node says. */
const LONGEST_WORDS = 300;

/** What is used of the WebSocket that carries the bytes. */
interface Carrier {
  addEventListener(type: "close", listener: () => void): void;
  pause(): void;
  resume(): void;
  terminate(): void;
}

/**
 * Opens a connection to a port of a pod, through the API server. Rejects with an ApiError: its status is that of the answer
 * to the upgrade, 0 where none came. The connection fails with PortUnreachable where the node cannot open it.
 */
export async function openPort(
  config: KubeConfig,
  { namespace, pod, port }: PodPort,
  signal: AbortSignal,
): Promise<Duplex> {
  const path = `${pathOf(KINDS.Pod, namespace, pod)}/portforward`;
  const tunnel = new Tunnel();
  const opening = connected(config, `${path}?ports=${port}`, tunnel);
  try {
    tunnel.carry(await within(opening, signal));
    return tunnel;
  } catch (cause) {
    // A WebSocket that opens after the abort is ended.
    opening.then((late) => late.terminate()).catch(() => {});
    tunnel.destroy();
    throw refusal(path, cause);
  }
}

/** Channels of a WebSocket that forwards one port. */
const DATA = 0;
const FAULTS = 1;

/**
 * `PortForward` of client-node does the same. It is not used because it brings the classes of every API along: 4 MB, which
 * the operator would load too.
 */
async function connected(config: KubeConfig, path: string, { input, output, faults }: Tunnel): Promise<Carrier> {
  const begun = new Set<number>();
  const take = (channel: number, bytes: Buffer): boolean => {
    if (channel > FAULTS) return false;
    // A channel begins with the number of the port.
    (channel === DATA ? output : faults).write(begun.has(channel) ? bytes : bytes.subarray(2));
    begun.add(channel);
    return true;
  };
  const socket = await new WebSocketHandler(config).connect(path, null, take);
  WebSocketHandler.handleStandardInput(socket, input, DATA);
  return socket;
}

/** The bytes of one forwarded connection. What the reader has not taken stays with the sender. */
class Tunnel extends Duplex {
  /** What client-node sends to the pod. */
  readonly input = new PassThrough();
  /** Where client-node writes what the pod sends. */
  readonly output: Writable;
  /** Where client-node writes why the node cannot open the connection. */
  readonly faults: Writable;
  #carrier: Carrier | undefined;

  constructor() {
    super({ allowHalfOpen: false });
    this.output = writer((chunk) => {
      if (!this.destroyed && !this.push(chunk)) this.#carrier?.pause();
    });
    // The first frame has only the number of the port.
    this.faults = writer((chunk) => {
      if (chunk.length > 0) this.destroy(new PortUnreachable(chunk.toString("utf8").slice(0, LONGEST_WORDS)));
    });
    // It may fail before its user listens.
    this.on("error", () => {});
  }

  carry(carrier: Carrier): void {
    this.#carrier = carrier;
    carrier.addEventListener("close", () => {
      if (!this.destroyed) this.push(null);
    });
    if (this.destroyed) carrier.terminate();
  }

  override _read(): void {
    this.#carrier?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.input.write(chunk, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#carrier?.terminate();
    done(error);
  }
}

function writer(take: (chunk: Buffer) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      take(chunk);
      done();
    },
  });
}

const REASONS: Readonly<Record<number, string>> = { 401: "Unauthorized", 403: "Forbidden", 404: "NotFound" };

/** client-node gives only a text with the status of the answer. */
function refusal(path: string, cause: unknown): ApiError {
  const { message = "aborted", error } = (cause ?? {}) as { readonly message?: string; readonly error?: unknown };
  const status = Number(/^Unexpected server response: ([1-5][0-9]{2})$/.exec(message)?.[1] ?? 0);
  const reason = status === 0 ? "Unreachable" : (REASONS[status] ?? "Unknown");
  return new ApiError({ method: "GET", path }, status, reason, message, undefined, { cause: error ?? cause });
}
