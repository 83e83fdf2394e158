import type { ServerResponse } from "node:http";
import type { ApiCall } from "./api-call.ts";
import { isIn, shown, type ApiObject, type Change, type ApiPath } from "./api-server-store.ts";

/** A watch that a client has open, controlled by a test. */
export class OpenWatch {
  readonly call: ApiCall;
  readonly target: ApiPath;
  readonly #response: ServerResponse;
  /** The watch is closed: it says nothing any more. */
  #mute = false;

  constructor(call: ApiCall, target: ApiPath, response: ServerResponse) {
    this.call = call;
    this.target = target;
    this.#response = response;
  }

  /** Sends a change if this watch selects the object; an object that leaves the selection looks deleted. */
  tell({ before, after, version }: Change): void {
    const was = before !== undefined && isIn(this.target, this.call.query, before);
    const is = after !== undefined && isIn(this.target, this.call.query, after);
    if (is) this.event(was ? "MODIFIED" : "ADDED", after);
    else if (was) {
      const last = after ?? before;
      this.event("DELETED", { ...last, metadata: { ...last.metadata, resourceVersion: String(version) } });
    }
  }

  event(type: string, object: ApiObject): void {
    this.line(JSON.stringify({ type, object: shown(object, this.call) }));
  }

  bookmark(version: number): void {
    const metadata = { resourceVersion: String(version) };
    this.line(JSON.stringify({ type: "BOOKMARK", object: { kind: "Bookmark", apiVersion: "v1", metadata } }));
  }

  /** Sends any text, with a line end. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Sends any text, without a line end. */
  write(text: string | Buffer): void {
    if (!this.#mute) this.#response.write(text);
  }

  /** Ends the watch as a server does after its time-out. */
  cut(): void {
    this.#mute = true;
    this.#response.end();
  }

  reset(): void {
    this.#mute = true;
    this.#response.socket?.resetAndDestroy();
  }

  /** The connection stays open, and nothing more is sent. */
  blackHole(): void {
    this.#mute = true;
  }
}
