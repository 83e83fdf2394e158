import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { until } from "../../test/fakes/sockets.ts";
import { systemClock } from "../../runtime/clock.ts";
import { dataPath, SharedPath, type ByteSource, type ReadPath } from "./byte-source.ts";
import { chooseReadPath } from "./read-path.ts";

/** The shared buffer, with something about it changed. */
const changed = (change: (source: ByteSource) => Partial<ByteSource>): ReadPath => ({
  name: "shared",
  open(socket) {
    const source = new SharedPath().open(socket);
    const own: ByteSource = {
      socket: source.socket,
      ahead: source.ahead,
      to: (sink) => source.to(sink),
      pause: () => source.pause(),
      resume: () => source.resume(),
    };
    return Object.assign(own, change(source));
  },
});

test("this Node reads through the shared buffer", async () => {
  const path = new SharedPath();
  expect(await chooseReadPath(systemClock, path)).toBe(path);
});

test.each<[string, ReadPath]>([
  [
    "throws",
    {
      name: "shared",
      open: () => {
        throw new Error("no handle");
      },
    },
  ],
  [
    "reads before it is told to",
    changed((source) => ({
      to: (sink) => {
        source.to(sink);
        source.resume();
      },
    })),
  ],
  ["reads while it is paused", changed(() => ({ pause: () => {} }))],
  [
    "tells the end twice",
    changed((source) => ({
      to: (sink) => {
        source.to(sink);
        source.socket.on("end", () => sink.ended());
      },
    })),
  ],
])("a way of reading that %s is not used", async (_what, path) => {
  expect(await chooseReadPath(systemClock, path)).toBe(dataPath);
});

test("a way of reading that delivers nothing is given up after 2 s", async () => {
  const clock = new FakeClock();
  const deaf = changed((source) => ({ to: () => source.socket.on("error", () => {}) }));
  const choice = chooseReadPath(clock, deaf);
  await until("it is on trial", () => clock.pending === 1);
  clock.advance(2000);
  expect(await choice).toBe(dataPath);
  expect(clock.pending).toBe(0);
});
