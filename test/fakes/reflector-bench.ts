import { onTestFinished } from "vitest";
import { KINDS, type KubeObject } from "../../operator/kube/kinds.ts";
import { Reflector, type ReflectorOptions } from "../../operator/kube/reflector.ts";
import type { FakeApiServer } from "./api-server.ts";
import { configMap, kubeBench, type KubeBench } from "./kube-bench.ts";
import { until } from "./sockets.ts";

export interface ReflectorBench extends KubeBench {
  readonly reflector: Reflector<KubeObject>;
  /** Changes in order: `+a` added, `~a` modified, `-a` deleted. */
  readonly changes: string[];
  restarts: number;
  /** Aborts, and resolves when the run has ended. */
  stop(): Promise<void>;
}

export type ReflectorTestOptions = Partial<ReflectorOptions<KubeObject>>;

/** A reflector of the ConfigMaps of a scripted API server, with a client that records its calls. */
export async function reflected(
  options: ReflectorTestOptions = {},
  prepare: (server: FakeApiServer) => void = () => {},
): Promise<ReflectorBench> {
  const bench = await kubeBench();
  prepare(bench.server);
  const { clock, log, recording: client } = bench;
  const changes: string[] = [];
  const reflector = new Reflector({
    client,
    kind: KINDS.ConfigMap,
    clock,
    random: () => 0,
    log,
    changed(now, before) {
      const { name } = (now ?? before)?.metadata ?? {};
      changes.push(`${now === undefined ? "-" : before === undefined ? "+" : "~"}${name}`);
    },
    restarted: () => void (its.restarts += 1),
    ...options,
  });
  const abort = new AbortController();
  const running = reflector.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  onTestFinished(stop);
  const its: ReflectorBench = { ...bench, reflector, changes, restarts: 0, stop };
  return its;
}

/** A reflector that watches. */
export async function watching(
  options: ReflectorTestOptions = {},
  prepare?: (server: FakeApiServer) => void,
): Promise<ReflectorBench> {
  const its = await reflected(options, prepare);
  await watches(its);
  return its;
}

export async function watches({ server, recording }: ReflectorBench): Promise<void> {
  await until("it watches", () => server.watches.length === 1 && recording.underWay === 0);
}

/** Longest pause before a new start, in ms. The idle timer of a watch (150 s) is longer. */
const LONGEST_PAUSE = 30_000;

/** Waits until the reflector has no call under way and pauses before its next start. */
export async function pauses({ server, clock, recording }: ReflectorBench): Promise<void> {
  const idle = (): boolean => server.watches.length === 0 && recording.underWay === 0;
  await until("it pauses", () => idle() && clock.pending === 1 && clock.next <= LONGEST_PAUSE);
}

/** Waits for a state, and advances the clock while no call is under way. */
export async function inTime(its: ReflectorBench, what: string, holds: () => boolean): Promise<void> {
  await until(what, () => {
    if (holds()) return true;
    if (its.server.watches.length === 0 && its.recording.underWay === 0) its.clock.advance(500);
    return false;
  });
}

export async function has({ reflector }: ReflectorBench, ...names: string[]): Promise<void> {
  const wanted = names.map((name) => `demo/${name}`).join();
  await until(`it has ${wanted}`, () => [...reflector.objects.keys()].sort().join() === wanted);
}

export const lists = ({ server }: ReflectorBench): number =>
  server.calls.filter(({ query }) => query["watch"] === undefined && query["continue"] === undefined).length;
export const starts = ({ recording }: ReflectorBench): number[] =>
  recording.begun.filter(({ call }) => call.query?.["watch"] === true).map(({ at }) => at);
export const [a, b, c] = [configMap("a"), configMap("b"), configMap("c")];
