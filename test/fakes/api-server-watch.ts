import type { ServerResponse } from "node:http";
import type { ApiCall } from "./api-call.ts";
import { isIn, shown, type ApiObject, type Change, type Place } from "./api-server-store.ts";

/** A watch that somebody has open, in the hands of a test. */
export class OpenWatch {
  readonly call: ApiCall;
  readonly place: Place;
  readonly #response: ServerResponse;
  /** Nothing is said any more. */
  #mute = false;

  constructor(call: ApiCall, place: Place, response: ServerResponse) {
    this.call = call;
    this.place = place;
    this.#response = response;
  }

  /** Passes on what concerns this watch; an object that leaves the selection looks deleted. */
  tell({ before, after, version }: Change): void {
    const was = before !== undefined && isIn(this.place, this.call.query, before);
    const is = after !== undefined && isIn(this.place, this.call.query, after);
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

  /** Anything at all, with its line end. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Anything at all, with no line end. */
  write(text: string | Buffer): void {
    if (!this.#mute) this.#response.write(text);
  }

  /** Ends as a server ends a watch after its time. */
  cut(): void {
    this.#mute = true;
    this.#response.end();
  }

  reset(): void {
    this.#mute = true;
    this.#response.socket?.resetAndDestroy();
  }

  /** The connection stands, and nothing comes through it any more. */
  blackHole(): void {
    this.#mute = true;
  }
}
