import type { Clock } from "../../runtime/clock.ts";
import { systemClock } from "../../runtime/clock.ts";
import { BufferBudget } from "../../dataplane/process/buffer-budget.ts";
import { dataPath, SharedPath, type ReadPath } from "../../dataplane/tunnel/byte-source.ts";
import { LoopShare } from "../../runtime/loop/loop-share.ts";
import type { SessionTap } from "../../dataplane/tunnel/frame-tap.ts";
import type { TunnelTimeline } from "../../dataplane/tunnel/timeline.ts";
import { emptyPlan, type FlowLimit, type PlanDraft } from "../../dataplane/tunnel/plan.ts";
import type { Tokens } from "../../dataplane/limits/tokens.ts";
import { tunnel } from "../../dataplane/tunnel/tunnel.ts";
import type { Tunnel, TunnelEnd } from "../../dataplane/tunnel/tunnel-options.ts";
import { socketPair, type Peer } from "./sockets.ts";

export interface Joined {
  readonly client: Peer;
  readonly backend: Peer;
  readonly tunnel: Tunnel;
  readonly ends: TunnelEnd[];
  readonly counts: {
    fromClient: { messages: number; bytes: number };
    fromBackend: { messages: number; bytes: number };
  };
  slow: number;
  /** What the tunnel told of besides frames. */
  readonly moments: Parameters<TunnelTimeline["happened"]>[];
  /** How often the tunnel said that the client's slot is free. */
  over: number;
}

export interface JoinOptions {
  readonly plan?: (draft: PlanDraft) => void;
  readonly clock?: Clock;
  readonly deflate?: boolean;
  readonly clientEarly?: Buffer;
  readonly backendEarly?: Buffer;
  readonly random?: () => number;
  /** The process stops. Default: it does not. */
  readonly stopping?: () => boolean;
  readonly tap?: SessionTap;
  /** Default: through the shared buffer. */
  readonly reads?: ReadPath;
  /** Default: none. */
  readonly budget?: BufferBudget;
  /** Default: never spent. */
  readonly loop?: LoopShare;
}

/** A budget that counts and is never short. */
export const unlimited = (clock: Clock = systemClock): BufferBudget => new BufferBudget({ limit: Infinity, clock });

/** Both ways to read sockets: what holds for one must hold for the other. */
export const READ_PATHS: readonly ReadPath[] = [dataPath, new SharedPath()];

export function planOf(change?: (draft: PlanDraft) => void): PlanDraft {
  const draft = emptyPlan();
  draft.slowConsumer = { maxBuffered: 1_048_576, timeout: 30_000 };
  change?.(draft);
  return draft;
}

/** A tunnel between two loopback connections, with the test at both far ends. */
export async function joined(options: JoinOptions = {}): Promise<Joined> {
  const [client, backend] = await Promise.all([socketPair(), socketPair()]);
  const result = {
    client: client.peer,
    backend: backend.peer,
    ends: [] as TunnelEnd[],
    counts: { fromClient: { messages: 0, bytes: 0 }, fromBackend: { messages: 0, bytes: 0 } },
    slow: 0,
    moments: [] as Joined["moments"],
    over: 0,
  };
  const running = tunnel({
    client: { socket: client.socket, early: options.clientEarly ?? Buffer.alloc(0) },
    backend: { socket: backend.socket, early: options.backendEarly ?? Buffer.alloc(0) },
    reads: options.reads ?? new SharedPath(),
    plan: planOf(options.plan),
    clock: options.clock ?? systemClock,
    budget: options.budget ?? unlimited(),
    loop: options.loop ?? new LoopShare({ ...systemClock, now: () => 0 }),
    deflate: options.deflate ?? false,
    timeline: { happened: (...moment) => void result.moments.push(moment) },
    tap: options.tap,
    counts: result.counts,
    random: options.random ?? (() => 0),
    stopping: options.stopping ?? (() => false),
    turns: (task) => task(),
    over: () => (result.over += 1),
    closed: (end) => result.ends.push(end),
    slowConsumer: () => (result.slow += 1),
  });
  return Object.assign(result, { tunnel: running });
}

/** `joined`, with this way of reading. */
export function joinedOver(reads: ReadPath): (options?: JoinOptions) => Promise<Joined> {
  return (options = {}) => joined({ ...options, reads });
}

/** A limit with a count of its hits. */
export function limit(
  bucket: Tokens,
  onExceed: FlowLimit["onExceed"],
  shadow = false,
): FlowLimit & { readonly hits: number } {
  let hits = 0;
  return {
    bucket,
    onExceed,
    shadow,
    hit: () => void (hits += 1),
    get hits() {
      return hits;
    },
  };
}
