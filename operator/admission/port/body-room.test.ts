import { PassThrough } from "node:stream";
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { until } from "../../../test/fakes/sockets.ts";
import { BodyRoom, type BodyReading } from "./body-room.ts";

const LARGE = Buffer.alloc(100_000, 0x61);

/** Bodies that are read in one room; each is told to end by the test. */
class Bodies {
  readonly room = new BodyRoom();
  readonly turns: string[] = [];
  readonly done: string[] = [];

  read(name: string, address: string, length?: number): { readonly body: PassThrough; readonly reading: BodyReading } {
    const body = new PassThrough();
    const headers = length === undefined ? {} : { "content-length": String(length) };
    const request = Object.assign(body, { headers, complete: true }) as unknown as IncomingMessage;
    const reading = this.room.read(request, address, {
      turn: () => this.turns.push(name),
      done: (bytes) => this.done.push(`${name} ${bytes === "TooLarge" ? bytes : bytes.length}`),
    });
    return { body, reading };
  }
}

test("four large bodies are read at a time, two of one address, and the others in turn by address", () => {
  const bodies = new Bodies();
  const open = ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "c1"].map((name) =>
    bodies.read(name, name.slice(0, 1), LARGE.length),
  );
  expect(bodies.turns).toEqual(["a1", "a2", "b1", "b2"]);
  open[0]?.reading.release();
  expect(bodies.turns.slice(4)).toEqual(["a4"]); // the newest of its address
  open[4]?.reading.release();
  open[5]?.reading.release();
  expect(bodies.turns.slice(5).toSorted()).toEqual(["b3", "c1"]);
});

test("a body of which the length is not declared waits when it turns out to be large", async () => {
  const bodies = new Bodies();
  const open = ["a", "b", "c", "d"].map((name) => bodies.read(name, name, LARGE.length));
  const late = bodies.read("late", "e");
  late.body.write(LARGE.subarray(0, 50_000));
  late.body.end(LARGE.subarray(50_000));
  await until("it waits", () => late.body.isPaused());
  expect(bodies.done).toEqual([]);
  open[0]?.reading.release();
  await until("it is read", () => bodies.done.length > 0);
  expect([bodies.turns.at(-1), bodies.done]).toEqual(["late", ["late 100000"]]);
});

test("small bodies wait for none, and come out whole", async () => {
  const bodies = new Bodies();
  for (const name of ["a", "b", "c", "d"]) bodies.read(name, name, LARGE.length);
  const { body } = bodies.read("small", "a", 3);
  for (const byte of ["x", "y", "z"]) body.write(byte);
  body.end();
  await until("it is read", () => bodies.done.length > 0);
  expect(bodies.done).toEqual(["small 3"]);
});

test("a body that is released while it waits takes no turn later, and one released twice frees one place", () => {
  const bodies = new Bodies();
  const open = ["a", "b", "c", "d"].map((name) => bodies.read(name, name, LARGE.length));
  bodies.read("gone", "e", LARGE.length).reading.release();
  bodies.read("f", "f", LARGE.length);
  bodies.read("g", "g", LARGE.length);
  open[0]?.reading.release();
  open[0]?.reading.release();
  expect(bodies.turns).toEqual(["a", "b", "c", "d", "f"]);
});
