import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { LoopShare } from "../runtime/loop/loop-share.ts";
import { Spread } from "../runtime/loop/spread.ts";
import type { FrameTraces } from "./frame-trace/frame-traces.ts";
import type { Watching } from "./debug/watching.ts";
import type { Occupancy } from "./limits/occupancy.ts";
import type { Store } from "./limits/store-in-force.ts";
import { SharedStore } from "./limits/store/shared-store.ts";
import { Subjects } from "./limits/subjects.ts";
import type { Metrics } from "./metrics.ts";
import type { BufferBudget } from "./process/buffer-budget.ts";
import type { Descriptors } from "./process/descriptors.ts";
import type { ReadPath } from "./tunnel/byte-source.ts";
import { chooseReadPath } from "./tunnel/read-path.ts";

/** What a process brings along for its data plane. */
export interface ProcessOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Memory for what receivers have not taken. */
  readonly budget: BufferBudget;
  readonly random: () => number;
  /** What sockets may have of the process's file descriptors. */
  readonly descriptors: Descriptors;
  /** How sockets are read after their handshakes; absent: a self-test of this Node chooses. */
  readonly reads?: ReadPath;
  /** Makes the store of a proxy (`<namespace>/<name>`), whose sessions `occupancy` counts. */
  readonly store?: MakeStore;
}

type MakeStore = (proxy: string, occupancy: Occupancy) => Store;

/** What the process knows of itself. */
export interface ProcessFacts {
  /** The process stops, and may still take clients: a backend that is gone now has stopped with it. */
  readonly stopping: () => boolean;
  /** Why that port of the pod is no backend; undefined: it may be one. */
  readonly ownPort: (port: number) => string | undefined;
  /** The traces of frames that run. */
  readonly frames: FrameTraces;
  /** What watches its handshakes and sessions. */
  readonly watching: Watching;
}

/** What all proxies of a process share. */
export interface ProcessResources extends ProcessOptions, ProcessFacts {
  readonly reads: ReadPath;
  readonly store: MakeStore;
  /** What carrying messages may take of the event loop. */
  readonly loop: LoopShare;
  /** What the limits remember, over all proxies. */
  readonly subjects: Subjects;
  /** The ends of sessions: thousands may come at once. */
  readonly ends: Spread;
}

/** Makes what all proxies of a process share. The self-test runs when the first proxy is made. */
export function processResources(options: ProcessOptions, facts: ProcessFacts): () => Promise<ProcessResources> {
  const { clock, log, metrics } = options;
  const shared = {
    ...options,
    ...facts,
    subjects: new Subjects(),
    ends: new Spread(clock),
    loop: new LoopShare(clock),
    store: options.store ?? storesOf(options),
  };
  metrics.process.subjects(shared.subjects);
  let made: ProcessResources | undefined;
  return async () => {
    if (made !== undefined) return made;
    const reads = options.reads ?? (await chooseReadPath(clock));
    metrics.process.readPath(reads.name);
    if (reads.name === "data") log.warn({}, "sockets are read through data events: each message costs more");
    made = { ...shared, reads };
    return made;
  };
}

function storesOf({ clock, log, metrics }: ProcessOptions): MakeStore {
  return (proxy, occupancy) => new SharedStore({ proxy, occupancy, clock, log, metrics: metrics.store });
}
