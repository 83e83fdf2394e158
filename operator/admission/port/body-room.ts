import type { IncomingMessage } from "node:http";
import { AddressLines } from "./address-lines.ts";

/**
 * Largest body, in bytes. An API server takes requests of 3 MiB; a review is that pod, and who asks for it with which
 * options.
 */
export const LARGEST_BODY = 4 * 1024 * 1024;
/** A body up to this size is read at once; reviews of pods have some 10 kB. */
const SMALL = 32 * 1024;
/** Larger bodies that are in memory at the same time; of one address. */
const LARGE_AT_A_TIME = 4;
const OF_ONE_ADDRESS = 2;

/** Reading a body that is under way. */
export interface BodyReading {
  /** Ends it, and forgets the bytes. A second call does nothing. */
  release(): void;
}

interface Reading {
  readonly address: string;
  resume(): void;
}

/**
 * Reads bodies, so that all together take a bounded amount of memory: small ones at once, large ones a few at a time, in
 * turn by address. A body that waits is not read on.
 */
export class BodyRoom {
  readonly #waiting = new AddressLines<Reading>();
  readonly #large = new Map<string, number>();
  #taken = 0;

  /**
   * Calls `done` once: with the bytes; with "TooLarge" when it knows that they are too many, and reads no further; never
   * where the request breaks off. Calls `turn` when a large body has its turn. The room of the body is taken until
   * `release`.
   */
  read(
    request: IncomingMessage,
    address: string,
    { turn, done }: { readonly turn: () => void; readonly done: (body: Buffer | "TooLarge") => void },
  ): BodyReading {
    let state: "Small" | "Waiting" | "Large" | "Over" = "Small";
    let bytes: Buffer = Buffer.alloc(0);
    let size = 0;
    const reading: Reading = {
      address,
      resume: () => {
        state = "Large";
        turn();
        request.resume();
      },
    };
    const release = (): void => {
      const before = state;
      state = "Over";
      bytes = Buffer.alloc(0);
      request.off("data", more);
      request.pause();
      if (before === "Waiting") this.#waiting.delete(address, reading);
      if (before === "Large") this.#leave(address);
    };
    const wait = (): void => {
      state = "Waiting";
      request.pause();
      this.#waiting.add(address, reading);
      this.#next();
    };
    // Copied into one buffer: a body that comes byte by byte would else be millions of them.
    const more = (chunk: Buffer): void => {
      if (size + chunk.length > LARGEST_BODY) {
        release();
        done("TooLarge");
        return;
      }
      if (size + chunk.length > bytes.length) bytes = grown(bytes, size, chunk.length);
      chunk.copy(bytes, size);
      size += chunk.length;
      if (state === "Small" && size > SMALL) wait();
    };
    const declared = Number(request.headers["content-length"] ?? 0);
    if (declared > LARGEST_BODY) {
      release();
      done("TooLarge");
      return { release };
    }
    request.on("end", () => {
      if (state !== "Over" && request.complete) done(bytes.subarray(0, size));
    });
    request.on("data", more);
    if (declared > SMALL) wait();
    return { release };
  }

  #next(): void {
    while (this.#taken < LARGE_AT_A_TIME) {
      const reading = this.#waiting.next((address) => (this.#large.get(address) ?? 0) < OF_ONE_ADDRESS);
      if (reading === undefined) return;
      this.#taken += 1;
      this.#large.set(reading.address, (this.#large.get(reading.address) ?? 0) + 1);
      reading.resume();
    }
  }

  #leave(address: string): void {
    const left = (this.#large.get(address) ?? 1) - 1;
    if (left === 0) this.#large.delete(address);
    else this.#large.set(address, left);
    this.#taken -= 1;
    this.#next();
  }
}

function grown(bytes: Buffer, used: number, more: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(LARGEST_BODY, Math.max(2 * bytes.length, used + more)));
  bytes.copy(larger, 0, 0, used);
  return larger;
}
