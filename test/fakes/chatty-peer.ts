import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** What a chatty peer sends on each request. */
export interface Chatter {
  /** Sent once. */
  readonly start?: string;
  /** Sent again and again, as fast as the socket takes it, until the connection ends. */
  readonly unit?: string;
  /** How often `unit` is sent. Default: without end. */
  readonly times?: number;
  /** Each byte in a packet of its own. */
  readonly byteByByte?: boolean;
  /** Ends the connection afterwards. */
  readonly end?: boolean;
}

/** A TCP server on loopback in a thread of its own, so that what it sends costs this thread nothing. */
export class ChattyPeer {
  readonly #worker: Worker;
  port = 0;

  private constructor(chatter: Chatter) {
    this.#worker = new Worker(new URL("chatty-peer-main.ts", import.meta.url), { workerData: chatter });
  }

  static async open(chatter: Chatter): Promise<ChattyPeer> {
    const peer = new ChattyPeer(chatter);
    [peer.port] = (await once(peer.#worker, "message")) as [number];
    return peer;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
